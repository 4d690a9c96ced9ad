"""Which nets the embedder uses: old ones stay until workers can do without."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from palate.errors import BundleError
from palate.retrieval.builder import Builder
from palate.retrieval.casting import Casting, ReleasedEncoders
from palate.retrieval.encoder import ItemEncoder
from palate.retrieval.settings import RetrievalSettings
from palate.testing.encoder import FakeEncoder
from palate.testing.live_catalogue import LiveCatalogue, run_until_quiet

A, B = FakeEncoder("aaaa"), FakeEncoder("bbbb")


class Cast:
    """An embedder, what is wanted, and a clock."""

    def __init__(self, catalogue: LiveCatalogue) -> None:
        catalogue.put("car1", {"price": 1})
        self.catalogue = catalogue
        self.embedder = catalogue.embedder()
        self.wanted: list[ItemEncoder] = []
        self.now = 0.0
        self.casting = Casting(
            self.embedder,
            lambda: self.wanted,
            catalogue.snapshots,
            both_s=60.0,
            clock=lambda: self.now,
        )

    def spaces(self, *wanted: ItemEncoder) -> list[str]:
        self.wanted = list(wanted)
        self.casting.renew()
        return sorted(self.embedder.spaces)

    def publish(self, name: str) -> None:
        run_until_quiet(self.embedder)
        space = self.embedder.spaces[name]
        settings = RetrievalSettings()
        builder = Builder(self.catalogue.topic, self.catalogue.snapshots, name, space, settings)
        builder.step(space)


@pytest.fixture
def cast(catalogue: LiveCatalogue) -> Cast:
    return Cast(catalogue)


def test_the_old_space_stays_until_the_new_one_has_a_snapshot(cast: Cast) -> None:
    assert cast.spaces(A) == ["aaaa"]
    cast.publish("aaaa")
    assert cast.spaces(B) == ["aaaa", "bbbb"]
    cast.now = 1000.0
    assert cast.spaces(B) == ["aaaa", "bbbb"], "workers cannot answer from the new one yet"
    cast.publish("bbbb")
    assert cast.spaces(B) == ["aaaa", "bbbb"]
    cast.now = 1059.0
    assert cast.spaces(B) == ["aaaa", "bbbb"], "some may still load it"
    cast.now = 1060.0
    assert cast.spaces(B) == ["bbbb"]


def test_a_space_that_is_wanted_again_never_left(cast: Cast) -> None:
    cast.spaces(A)
    cast.publish("aaaa")
    generation = cast.embedder.spaces["aaaa"].generation
    cast.spaces(B)
    cast.publish("bbbb")
    cast.spaces(B)
    cast.now = 59.0
    cast.spaces(A)
    cast.now = 100.0
    assert "aaaa" in cast.spaces(A)
    assert cast.embedder.spaces["aaaa"].generation == generation


def test_where_nothing_is_wanted_nothing_is_forgotten(cast: Cast) -> None:
    assert not cast.casting.renew()
    cast.spaces(A)
    fresh = Casting(cast.embedder, list, cast.catalogue.snapshots, both_s=60.0)
    assert not fresh.renew(), "as after a restart, while no release can be loaded"
    assert list(cast.embedder.spaces) == ["aaaa"]


def test_a_broken_net_is_left_out_and_tried_again(cast: Cast) -> None:
    cast.spaces(A, B)
    assert cast.casting.leave_out("bbbb")
    assert cast.spaces(A, B) == ["aaaa"]
    assert not cast.casting.leave_out("aaaa"), "there is no other"
    cast.now = 31.0
    assert cast.spaces(A, B) == ["aaaa", "bbbb"]


class FakeReleases:
    def __init__(self) -> None:
        self.named: dict[str, str] = {}
        self.loads: list[str] = []

    def aliases(self) -> dict[str, str]:
        return self.named

    def load(self, ref: str) -> Any:
        self.loads.append(ref)
        models: dict[str, Any] = {
            "deep:1": SimpleNamespace(nets=A),
            "deep:2": SimpleNamespace(nets=B),
            "sar:1": SimpleNamespace(),
            "odd:1": SimpleNamespace(nets="three of them"),
        }
        if ref not in models:
            raise BundleError(f"{ref} is damaged")
        return SimpleNamespace(model=models[ref])


def test_nets_are_those_of_the_releases_that_aliases_name() -> None:
    releases = FakeReleases()
    encoders = ReleasedEncoders(releases)  # type: ignore[arg-type]
    assert encoders() == []
    releases.named = {"stable": "deep:1", "canary": "deep:1", "old": "sar:1", "x": "odd:1"}
    assert list(encoders()) == [A]
    releases.named |= {"canary": "deep:2", "y": "gone:1"}
    assert list(encoders()) == [A, B]
    assert sorted(releases.loads) == ["deep:1", "deep:2", "gone:1", "odd:1", "sar:1"], "once each"
    encoders()
    assert len(releases.loads) == 5
