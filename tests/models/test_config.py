"""Search spaces draw what they say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from palate.models.config import Choice, Range


@given(st.integers(0, 2**32 - 1))
def test_draws_stay_in_the_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert 0.5 <= Range(0.5, 2.0).sample(rng) <= 2.0
    assert 1e-3 <= Range(1e-3, 1e3, log=True).sample(rng) <= 1e3
    whole = Range(1, 10, log=True, integer=True).sample(rng)
    assert isinstance(whole, int)
    assert 1 <= whole <= 10
    assert Choice(("a", "b")).sample(rng) in {"a", "b"}


def test_a_log_range_draws_each_decade_alike() -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([Range(1.0, 1e4, log=True).sample(rng) for _ in range(4000)])
    share = np.histogram(np.log10(drawn), bins=4, range=(0, 4))[0] / 4000
    np.testing.assert_allclose(share, 0.25, atol=0.03)
