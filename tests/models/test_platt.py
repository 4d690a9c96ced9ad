"""The line through logits: found again where it is known, harmless where nothing is to learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from palate.models.platt import AS_IT_IS, platt


def drawn(slope: float, intercept: float, n: int = 200_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, n)
    chance = expit(slope * logits + intercept)
    return logits, (rng.random(n) < chance).astype(np.float32)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.3, -1.0), (2.5, 0.7)])
def test_finds_the_line_that_the_labels_were_drawn_by(slope: float, intercept: float) -> None:
    found = platt(*drawn(slope, intercept))
    assert found == pytest.approx((slope, intercept), abs=0.03)


def test_no_other_line_near_it_is_likelier() -> None:
    logits, labels = drawn(0.4, 0.5, n=2000)

    def loss(line: tuple[float, float]) -> float:
        y = line[0] * logits + line[1]
        return float((np.logaddexp(0, y) - labels * y).mean())

    slope, intercept = platt(logits, labels)
    for a in (-0.05, 0.05):
        assert loss((slope, intercept)) < loss((slope + a, intercept))
        assert loss((slope, intercept)) < loss((slope, intercept + a))


def test_separate_classes_have_a_finite_line() -> None:
    slope, intercept = platt(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0, 0, 1, 1], np.float32))
    assert np.isfinite([slope, intercept]).all()
    assert slope > 0


@pytest.mark.parametrize("labels", [[0, 0, 0], [1, 1, 1]])
def test_one_class_says_nothing(labels: list[int]) -> None:
    assert platt(np.array([0.1, 0.2, 0.3]), np.array(labels, np.float32)) == AS_IT_IS


def test_an_order_no_better_than_chance_is_kept_and_hardly_counts() -> None:
    logits, labels = drawn(-1.0, 0.0, n=1000)
    slope, intercept = platt(logits, labels)
    assert slope == 0.01
    mean = expit(slope * logits + intercept).mean()
    assert mean == pytest.approx(labels.mean(), abs=0.01)


def test_equal_logits() -> None:
    slope, intercept = platt(np.full(100, 0.5), np.repeat([0, 1], 50).astype(np.float32))
    assert np.isfinite([slope, intercept]).all()
    assert slope * 0.5 + intercept == pytest.approx(0.0, abs=0.05)


def test_logits_far_out() -> None:
    logits = np.array([-1e4, 1e4, -1e4, 1e4])
    slope, intercept = platt(logits, np.array([0, 1, 1, 1], np.float32))
    assert np.isfinite([slope, intercept]).all()
