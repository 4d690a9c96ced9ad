"""The compressed interaction network against the paper's sums, written out."""

from __future__ import annotations

import numpy as np
import pytest

from palate.models.runtime.cin import cin_layers, interactions
from palate.types import Float32Array


def drawn(*shape: int, seed: int, deviation: float = 1.0) -> Float32Array:
    return np.random.default_rng(seed).normal(0, deviation, shape).astype(np.float32)


def arrays(f: int, maps: tuple[int, ...]) -> dict[str, np.ndarray]:
    before = (f, *maps[:-1])
    sizes = zip(maps, before, strict=True)
    return {f"cin.{at}.weight": drawn(h * m, f, seed=at) for at, (h, m) in enumerate(sizes)}


def written_out(vectors: np.ndarray, known: dict[str, np.ndarray]) -> np.ndarray:
    """Lian et al. 2018, equations 6 and 8."""
    x0 = vectors.astype(np.float64)
    x, found = x0, []
    for at in range(len(known)):
        weights = known[f"cin.{at}.weight"].reshape(-1, x.shape[1], x0.shape[1])
        x = np.einsum("hij,nid,njd->nhd", weights, x, x0)
        found.append(x.sum(axis=2))
    return np.concatenate(found, axis=1)


@pytest.mark.parametrize("maps", [(1,), (4,), (3, 5), (2, 3, 2)])
@pytest.mark.parametrize(("n", "f", "k"), [(1, 1, 1), (3, 4, 2), (70, 3, 4)])
def test_is_the_papers_sum(n: int, f: int, k: int, maps: tuple[int, ...]) -> None:
    vectors = drawn(n, f, k, seed=9, deviation=0.5)
    found = interactions(vectors, cin_layers(arrays(f, maps)))
    assert found.shape == (n, sum(maps))
    np.testing.assert_allclose(found, written_out(vectors, arrays(f, maps)), rtol=1e-3, atol=1e-4)


def test_with_weights_of_one_the_first_map_is_the_squared_sum() -> None:
    vectors = drawn(5, 3, 2, seed=0)
    found = interactions(vectors, cin_layers({"cin.0.weight": np.ones((3, 3), np.float32)}))
    np.testing.assert_allclose(found[:, 0], (vectors.sum(axis=1) ** 2).sum(axis=1), rtol=1e-5)


def test_no_rows() -> None:
    found = interactions(np.empty((0, 3, 2), np.float32), cin_layers(arrays(3, (4, 2))))
    assert found.shape == (0, 6)
