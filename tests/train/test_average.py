"""Sparse gradients of several processes become their mean, in all of them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from palate.train.average import average_sparse, sparse_tables
from palate.train.world import World

PROCESSES = 2
ROWS = {0: [1, 3, 1], 1: [3]}  # of each process; the row 1 twice in one step
SHAPE = (5, 2)


def _table() -> nn.Embedding:
    return nn.Embedding(*SHAPE, sparse=True)


def _weights(table: nn.Embedding) -> nn.Parameter:
    (weights,) = table.parameters()
    return weights


def _process(rank: int, address: str, folder: Path) -> None:
    """Both processes have rows of one table, one of another, none of the third."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=address, rank=rank, world_size=PROCESSES)
    both, one_sided, untouched = _table(), _table(), _table()
    both(torch.tensor(ROWS[rank])).mul(rank + 1.0).sum().backward()
    if rank == 1:
        one_sided(torch.tensor([4])).sum().backward()
    average_sparse([_weights(one) for one in (both, one_sided, untouched)], World.here())
    grads = [_weights(one).grad for one in (both, one_sided)]
    np.save(folder / f"{rank}.npy", [one.to_dense().numpy() for one in grads if one is not None])
    dist.destroy_process_group()
    if _weights(untouched).grad is not None:
        raise SystemExit("a table that nobody touched got a gradient")


def test_the_mean_of_all_processes(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo"}
    processes = [
        subprocess.Popen([sys.executable, __file__, str(rank), address, tmp_path], env=environment)
        for rank in range(PROCESSES)
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]

    expected = np.zeros((2, *SHAPE), np.float32)
    expected[0, 1], expected[0, 3] = 2 * 1 / 2, (1 + 2) / 2
    expected[1, 4] = 1 / 2
    for rank in range(PROCESSES):
        np.testing.assert_array_equal(np.load(tmp_path / f"{rank}.npy"), expected)


def test_only_tables_with_sparse_gradients_are_found() -> None:
    net = nn.ModuleDict(
        {
            "sparse": _table(),
            "bag": nn.EmbeddingBag(3, 2, sparse=True),
            "dense": nn.Embedding(3, 2),
            "layer": nn.Linear(2, 1),
            "fixed": _table().requires_grad_(False),
        }
    )

    assert sorted(sparse_tables(net)) == ["bag.weight", "sparse.weight"]
    assert list(sparse_tables(_table())) == ["weight"]


if __name__ == "__main__":
    _process(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
