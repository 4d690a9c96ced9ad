"""Newest items read where they stand: means, sums and gradients are those of torch's operations."""

from __future__ import annotations

import pytest
import torch

from palate.models.nets.realtime import RealtimeNet, Sizes
from palate.models.nets.realtime_attention import attended
from palate.models.realtime.config import RealtimeConfig

pytestmark = pytest.mark.usefixtures("one_thread")

N = 9


def given(n: int, m: int, d: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A table whose last row is zeros, and rows: nobody's, one item in the middle, any."""
    draw = torch.Generator().manual_seed(seed + n + m + d)
    table = torch.randn(N + 1, d, generator=draw)
    table[-1] = 0
    rows = torch.randint(-2, N, (n, m), generator=draw).clamp_min(-1)
    rows[0] = -1
    if n > 1:
        rows[1], rows[1, m // 2] = -1, 3
    return table, rows


def nets(m: int, heads: int, d: int) -> RealtimeNet:
    torch.manual_seed(0)
    config = RealtimeConfig(dimension=d, heads=heads, recent=m, hidden=5, dropout=0)
    net = RealtimeNet(Sizes(3, 0, 2, profile=4, context=2, outcomes=1), config)
    with torch.no_grad():
        net.user.queries.normal_()
        net.user.gates.normal_()
    return net


@pytest.mark.parametrize(
    ("n", "m", "heads", "d"),
    [(1, 1, 1, 2), (7, 5, 3, 6), (20, 20, 4, 64), (6, 3, 5, 70), (4, 2, 8, 16)],
    ids=["one", "filled up", "as by default", "more than four heads", "eight"],
)
def test_means_sums_and_gradients(n: int, m: int, heads: int, d: int) -> None:
    user = nets(m, heads, d).user
    table, rows = given(n, m, d)
    pooled = user.pooled(table[rows], rows >= 0)
    expected = (pooled, (pooled * user.gates).sum(1))
    found = attended(table, rows, user.queries, user.places, user.gates)
    learned = (user.queries, user.places, user.gates)
    draw = torch.Generator().manual_seed(1)
    weights = [torch.randn(one.shape, generator=draw) for one in expected]
    slopes = []
    for ours in (found, expected):
        loss = sum((one * weight).sum() for one, weight in zip(ours, weights, strict=True))
        assert isinstance(loss, torch.Tensor)
        slopes.append(torch.autograd.grad(loss, learned))
    for mine, other in zip((*found, *slopes[0]), (*expected, *slopes[1]), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-4)
    assert not found[0][0].any()  # of nobody's items, zeros
    assert not found[1][0].any()


def test_a_table_in_bfloat16_is_read_as_it_is() -> None:
    user = nets(5, 3, 6).user
    table, rows = given(7, 5, 6)
    narrow = table.to(torch.bfloat16)
    learned = (user.queries, user.places, user.gates)
    for one, other in zip(
        attended(narrow, rows, *learned), attended(narrow.float(), rows, *learned), strict=True
    ):
        assert torch.equal(one, other)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_users_are_those_of_the_vectors_themselves(precision: torch.dtype) -> None:
    user = nets(5, 4, 16).user
    table, rows = given(30, 5, 16)
    profile, context = torch.randn(30, 4), torch.randn(30, 2)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, precision is torch.bfloat16):
        found = user.of_rows(profile, table.to(precision), rows, context)
        expected = user(profile, table[rows], context, rows >= 0)
    least = 1e-5 if precision is torch.float32 else 0.02
    torch.testing.assert_close(found, expected, rtol=0, atol=least, check_dtype=False)


def test_what_is_no_number_stays_none() -> None:
    user = nets(5, 4, 16).user
    table, rows = given(3, 5, 16)
    table[3] = torch.nan
    found, _ = attended(table, rows, user.queries, user.places, user.gates)
    assert found[1].isnan().all()
