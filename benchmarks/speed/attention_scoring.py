"""SASRec and DKN scored without torch beside their own torch nets, one thread each.

The nets have their starting weights: how long an answer takes does not depend on what was
learned. Both sides score the whole catalogue: 12,000 items after 50, and 5,000 news after 30
clicks, whose vectors stand ready on both sides.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ["NUMBA_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch

from harness import Bench
from palate.data import Histories
from palate.models.dkn import DKN, DKNConfig
from palate.models.mentions import Mentions
from palate.models.nets.dkn import DKNNet, Tables
from palate.models.nets.dkn_fit import arrays as dkn_arrays
from palate.models.nets.sasrec import SASRecNet
from palate.models.nets.sasrec_fit import arrays as sasrec_arrays
from palate.models.sasrec import SASRec, SASRecConfig
from palate.types import Float32Array
from peers import Peer

TORCH: Final = Peer("torch", torch.__version__, ())  # in our own environment
USERS: Final = (1, 64)
N_ITEMS, N_NEWS, N_WORDS = 12_000, 5_000, 20_000
CLOSE: Final = 1e-4
AT_LEAST_S: Final = 0.05  # of work between two looks at the clock


def main() -> None:
    bench = Bench("speed-attention-scoring", "SASRec and DKN: numpy beside torch", runs=5)
    torch.set_num_threads(1)
    with torch.no_grad():
        for n in USERS:
            for name, (ours, theirs) in {"sasrec": sasrec(n), "dkn": dkn(n)}.items():
                apart = float(np.abs(ours() - theirs().numpy()).max())
                if apart > CLOSE:
                    raise SystemExit(f"{name}: numpy and torch are {apart} apart")
                taken = [(milliseconds(ours), milliseconds(theirs)) for _ in range(bench.runs)]
                bench.compare(
                    f"{name}, {n} user{'s' if n > 1 else ''}",
                    [one for one, _ in taken],
                    [other for _, other in taken],
                    peer=TORCH,
                    unit="ms",
                    target=1.0,
                )
    bench.finish()


Sides = tuple[Callable[[], Float32Array], Callable[[], torch.Tensor]]


def sasrec(n: int) -> Sides:
    config = SASRecConfig()
    torch.manual_seed(0)
    net = SASRecNet(N_ITEMS, config).eval()
    model = SASRec(config)
    model._restore(sasrec_arrays(net))
    asked = histories(n, config.n, N_ITEMS)
    rows = torch.from_numpy(asked.items.reshape(n, -1).astype(np.int64))
    outputs = net.outputs().T.contiguous()
    return lambda: np.asarray(model.score_histories(asked)), lambda: net(rows)[:, -1] @ outputs


def dkn(n: int) -> Sides:
    config = DKNConfig()
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    net = DKNNet(Tables(N_WORDS, None, None, None), config).eval()
    words = rng.integers(0, N_WORDS, (N_NEWS, config.length)).astype(np.int32)
    model = DKN(config)
    model._set_layers(dkn_arrays(net))
    model._set_vectors(model._encoded(Mentions(words, np.zeros_like(words))))
    asked = histories(n, config.T, N_NEWS)
    vectors = torch.from_numpy(model._vectors)
    clicked = vectors[torch.from_numpy(asked.items.reshape(n, -1).astype(np.int64))]
    known = torch.ones(1, config.T, dtype=torch.bool)

    def theirs() -> torch.Tensor:
        """A user at a time: all at once do not fit into memory."""
        return torch.cat([net.scores(vectors[None], one[None], known) for one in clicked])

    return lambda: np.asarray(model.score_histories(asked)), theirs


def histories(n: int, length: int, n_items: int) -> Histories:
    items = np.random.default_rng(1).integers(0, n_items, n * length).astype(np.int32)
    return Histories(
        np.arange(0, n * length + 1, length, dtype=np.int64),
        items,
        np.ones(n * length, np.float32),
        np.full(n * length, -1, np.int64),
        n_items,
    )


def milliseconds(work: Callable[[], object]) -> float:
    """Of the processor, a call: another process on the machine does not count."""
    calls, start = 0, time.process_time()
    while (took := time.process_time() - start) < AT_LEAST_S:
        work()
        calls += 1
    return 1000 * took / calls


if __name__ == "__main__":
    main()
