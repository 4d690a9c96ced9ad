"""Following aliases: what is loaded, what is kept, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from palate.config import Settings
from palate.errors import UnknownReleaseError
from palate.models.sar import SAR
from palate.release.registry import Releases, open_releases
from palate.serve import shelf as module
from palate.serve.counters import CELLS, Counters, read_cells
from palate.serve.shelf import ReleaseNotLoadedError, Shelf


@pytest.fixture
def releases(settings: Settings) -> Iterator[Releases]:
    opened = open_releases(settings.home)
    yield opened
    opened.close()


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    return tmp_path / "c.bin"


@pytest.fixture
def shelf(releases: Releases, counted: Path) -> Shelf:
    made = Shelf(releases, Counters(counted))
    assert made.refresh()
    return made


def cell(path: Path, name: str) -> float:
    return read_cells([path])[CELLS[name]]


def refs(shelf: Shelf) -> dict[str, str]:
    return {alias: loaded.ref for alias, loaded in shelf.view.aliases.items()}


def promote(releases: Releases, ref: str) -> None:
    releases.promote(ref, "stable", by="test", reason="test")


def test_what_aliases_name_is_loaded(shelf: Shelf) -> None:
    assert refs(shelf) == {"stable": "taste:1", "canary": "taste:2"}
    assert set(shelf.view.loaded) == {"taste:1", "taste:2"}
    assert shelf.refresh() is False


def test_a_promotion_is_one_new_view_and_the_release_before_is_kept(
    shelf: Shelf, releases: Releases
) -> None:
    before = shelf.view
    promote(releases, "taste:3")
    assert shelf.refresh()
    assert refs(shelf)["stable"] == "taste:3"
    assert refs_of_before(before) == "taste:1", "a request that took the old view keeps it"
    assert shelf.find("taste:1") is before.loaded["taste:1"]
    promote(releases, "taste:2")
    assert shelf.refresh()
    assert set(shelf.view.loaded) == {"taste:2", "taste:3"}, "only the one before is kept"
    assert shelf.view.aliases["stable"] is shelf.view.aliases["canary"], "loaded once"


def refs_of_before(view: module.View) -> str:
    return view.aliases["stable"].ref


def test_a_rollback_takes_the_kept_release(shelf: Shelf, releases: Releases) -> None:
    first = shelf.view.aliases["stable"]
    promote(releases, "taste:3")
    shelf.refresh()
    releases.rollback("stable", by="test", reason="test")
    shelf.refresh()
    assert shelf.view.aliases["stable"] is first


def test_find_tells_unknown_from_not_loaded(shelf: Shelf) -> None:
    assert shelf.find("stable").ref == "taste:1"
    assert shelf.find("taste:2").ref == "taste:2"
    for ref in ("taste:3", "taste"):
        with pytest.raises(ReleaseNotLoadedError, match="taste:3"):
            shelf.find(ref)
    for ref in ("taste:7", "unheard", "unheard:1", ""):
        with pytest.raises(UnknownReleaseError):
            shelf.find(ref)


@pytest.mark.parametrize("damage", ["altered", "truncated", "missing"])
def test_a_damaged_bundle_is_refused_and_the_old_one_stays(
    shelf: Shelf,
    releases: Releases,
    settings: Settings,
    counted: Path,
    damage: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    promote(releases, "taste:3")  # whole when it was promoted
    (bundle,) = settings.home.glob("objects/**/taste/3/**/state.npz")
    whole = bundle.read_bytes()
    if damage == "missing":
        bundle.unlink()
    else:
        bundle.chmod(0o644)
        bundle.write_bytes(whole[:-1] + (b"x" if damage == "altered" else b""))
    assert shelf.refresh() is False
    assert refs(shelf)["stable"] == "taste:1"
    assert cell(counted, "refused") == 1
    assert "taste:3 is refused" in caplog.text
    assert shelf.refresh() is False
    assert cell(counted, "refused") == 1, "not tried again at every look"
    bundle.write_bytes(whole)
    monkeypatch.setattr(module, "_RETRY_S", 0.0)
    shelf._refused.clear()
    assert shelf.refresh()
    assert refs(shelf)["stable"] == "taste:3"


def test_who_begins_with_a_damaged_bundle_answers_with_the_release_before(
    releases: Releases, settings: Settings, counted: Path
) -> None:
    promote(releases, "taste:3")
    for bundle in settings.home.glob("objects/**/taste/3/**/state.npz"):
        bundle.unlink()
    shelf = Shelf(releases, Counters(counted))
    assert shelf.refresh()
    assert refs(shelf)["stable"] == "taste:1"


def test_a_release_whose_model_fails_to_warm_is_refused(
    shelf: Shelf, releases: Releases, counted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "warm", broken)
    promote(releases, "taste:3")
    assert shelf.refresh() is False
    assert cell(counted, "refused") == 1


def test_popular_rows_are_ordered_ties_by_row(shelf: Shelf) -> None:
    loaded = shelf.view.aliases["stable"]
    ids = [loaded.model.vocabulary.id(int(row)) for row in loaded.popular]
    assert ids == ["d0", "c0", "c1", "c2", "c3", "c4", "c5", "d1", "d2", "d3", "d4", "d5"]
    assert isinstance(loaded.model, SAR)
    assert loaded.weights == {"click": (1.0, False), "rating": (1.0, True)}


def test_an_empty_registry_is_an_empty_view(empty_settings: Settings, tmp_path: Path) -> None:
    releases = open_releases(empty_settings.home)
    shelf = Shelf(releases, Counters(tmp_path / "c.bin"))
    assert shelf.refresh() is False
    assert dict(shelf.view.aliases) == {}
    releases.close()
