"""Tests on paired per-user values: could the difference of two models be chance?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from scipy.special import stdtr

from palate.errors import DataError
from palate.stats.difference import differences
from palate.types import Float64Array, FloatArray

__all__ = ["PairedTest", "paired_t", "sign_flip", "wilcoxon"]

CHUNK_CELLS = 1 << 20  # signs held at once: 8 MB


@dataclass(frozen=True, slots=True)
class PairedTest:
    """What a two-sided paired test found.

    Attributes:
        method: Its name.
        statistic: t, Wilcoxon's signed-rank sum, or the mean difference.
        p_value: Chance of a statistic at least this extreme if the models were equal.
        n: Pairs that entered.
    """

    method: str
    statistic: float
    p_value: float
    n: int


def paired_t(a: FloatArray, b: FloatArray) -> PairedTest:
    """Student's paired t-test: t = mean(d) / (sd(d) / sqrt(n)), d = a - b, n - 1 degrees.

    Good for hundreds of users, where the mean is nearly normal whatever the values are.
    Differences that are all zero, or a single pair, give p = 1: they are no evidence.

    Source: Student (1908), The probable error of a mean, Biometrika 6; compared with the
    others for ranking metrics by Smucker, Allan and Carterette (2007), CIKM.

    >>> round(paired_t(np.array([3.0, 5.0, 6.0]), np.array([2.0, 3.0, 3.0])).p_value, 4)
    0.0742

    Args:
        a: (n_users,) float, NaN where a user does not count.
        b: (n_users,) float, NaN for the same users.

    Raises:
        DataError: The two do not judge the same users, or no user counts.
    """
    d = _paired(a, b)
    n, mean = len(d), float(d.mean())
    if n == 1 or not d.any():
        return PairedTest("paired t", 0.0 if mean == 0 else math.nan, 1.0, n)
    error = float(d.std(ddof=1)) / math.sqrt(n)
    t = mean / error if error > 0 else math.copysign(math.inf, mean)
    return PairedTest("paired t", t, float(2.0 * stdtr(n - 1, -abs(t))), n)


def wilcoxon(a: FloatArray, b: FloatArray) -> PairedTest:
    """Wilcoxon's signed-rank test: are the differences symmetric around zero?

    Ranks of |d| with pairs of no difference left out (Wilcoxon's own treatment); ties get
    their mean rank. A few large differences count for less than in the t-test. No difference
    anywhere gives p = 1.

    Source: Wilcoxon (1945), Individual comparisons by ranking methods, Biometrics Bulletin 1;
    computed by `scipy.stats.wilcoxon`.

    >>> wilcoxon(np.array([3.0, 5.0, 6.0]), np.array([2.0, 3.0, 3.0])).p_value
    0.25

    Args:
        a: (n_users,) float, NaN where a user does not count.
        b: (n_users,) float, NaN for the same users.

    Raises:
        DataError: The two do not judge the same users, or no user counts.
    """
    d = _paired(a, b)
    moved = d[d != 0.0]
    if not len(moved):
        return PairedTest("Wilcoxon signed rank", 0.0, 1.0, len(d))
    # scipy loads its submodules on first use, and scipy.stats takes half a second to load.
    found = scipy.stats.wilcoxon(moved)
    statistic, p_value = float(found.statistic), float(found.pvalue)
    return PairedTest("Wilcoxon signed rank", statistic, p_value, len(d))


def sign_flip(a: FloatArray, b: FloatArray, *, rounds: int = 10_000, seed: int = 0) -> PairedTest:
    """Fisher's randomisation test: if the models were equal, each d could have either sign.

    The p-value is the share of sign patterns whose |mean| reaches the one seen. Where all
    2^n patterns are no more than `rounds` they are all tried and p is exact; otherwise
    `rounds` random ones are, and p = (1 + reached) / (1 + rounds), which is never zero.

    Source: Fisher (1935), The Design of Experiments; Phipson and Smyth (2010), Permutation
    p-values should never be zero, Statistical Applications in Genetics and Molecular
    Biology 9; for ranking metrics Smucker, Allan and Carterette (2007), CIKM.

    >>> sign_flip(np.array([3.0, 5.0, 6.0]), np.array([2.0, 3.0, 3.0])).p_value
    0.25

    Args:
        a: (n_users,) float, NaN where a user does not count.
        b: (n_users,) float, NaN for the same users.
        rounds: Random sign patterns.
        seed: Same seed, same patterns.

    Raises:
        DataError: The two do not judge the same users, or no user counts.
    """
    if rounds < 1:
        raise DataError(f"{rounds} sign patterns; at least 1 is needed")
    d = _paired(a, b)
    n = len(d)
    # Sums in another order differ by rounding; a pattern equal to the one seen must reach it.
    reach = abs(float(d.sum())) - 1e-12 * float(np.abs(d).sum())
    if n < 63 and 1 << n <= rounds:
        patterns = np.arange(1 << n)[:, None] >> np.arange(n) & 1
        p_value = float((np.abs((1.0 - 2.0 * patterns) @ d) >= reach).mean())
    else:
        p_value = (1 + _reached(d, reach, rounds, seed)) / (1 + rounds)
    return PairedTest("sign flip", float(d.mean()), p_value, n)


def _reached(d: Float64Array, reach: float, rounds: int, seed: int) -> int:
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK_CELLS // len(d))
    reached = 0
    for start in range(0, rounds, step):
        size = min(step, rounds - start)
        signs = rng.integers(0, 2, size=(size, len(d)), dtype=np.int8) * 2.0 - 1.0
        reached += int((np.abs(signs @ d) >= reach).sum())
    return reached


def _paired(a: FloatArray, b: FloatArray) -> Float64Array:
    d = differences(a, b)
    d = d[~np.isnan(d)]
    if not len(d):
        raise DataError("no user counts for the two models, so there is nothing to test")
    return d
