"""The registry: versions, references, aliases, roll-back, removal, audit."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palate.data.dataset import Dataset
from palate.errors import (
    BundleError,
    ReleaseError,
    StoreError,
    UnknownReleaseError,
)
from palate.models.base import Recommender
from palate.release.registry import Releases, open_releases
from palate.store.folder_store import FolderStore

MakeModel = Callable[..., Recommender[Any]]
Make = Callable[..., str]

WATCHER = """
import sys
from pathlib import Path
from palate.release.registry import open_releases
releases = open_releases(Path(sys.argv[1]))
for line in sys.stdin:
    print(releases.aliases()["stable"], flush=True)
"""


@pytest.fixture
def make(releases: Releases, make_model: MakeModel, dataset: Dataset) -> Make:
    """`make("movies")`: release once more, give the reference."""

    def create(name: str = "movies", **config: Any) -> str:
        return releases.create(make_model(**config), name=name, dataset=dataset, by="ci").ref

    return create


def promote(releases: Releases, ref: str, alias: str = "stable") -> None:
    releases.promote(ref, alias, by="ann", reason="better")


def test_versions_grow_by_name(make: Make, releases: Releases) -> None:
    assert [make("movies"), make("cars"), make("movies")] == ["movies:1", "cars:1", "movies:2"]
    assert [r.ref for r in releases.list()] == ["cars:1", "movies:1", "movies:2"]
    assert [r.ref for r in releases.list("movies")] == ["movies:1", "movies:2"]


def test_a_version_is_never_used_twice(make: Make, releases: Releases) -> None:
    make()
    make()
    releases.remove("movies:2", by="ann", reason="broken")
    assert make() == "movies:3"


def test_threads_that_release_at_once_get_different_versions(
    make: Make, releases: Releases
) -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.append(make())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == ["movies:1", "movies:2", "movies:3", "movies:4"]


def test_what_was_released_is_loaded(make: Make, releases: Releases) -> None:
    make(scores=[1, 2, 3])
    make(scores=[3, 2, 1])
    assert releases.load("movies:1").model.config.scores == (1, 2, 3)
    assert releases.load("movies").model.config.scores == (3, 2, 1)


def test_a_reference_is_exact_or_the_newest_or_an_alias(make: Make, releases: Releases) -> None:
    for _ in range(11):
        make()
    promote(releases, "movies:2")
    assert releases.resolve("movies:3").ref == "movies:3"
    assert releases.resolve("movies").ref == "movies:11"  # by number, not by letter
    assert releases.resolve("stable").ref == "movies:2"


@pytest.mark.parametrize("ref", ["movis", "movies:9", "movies:x", "movies:", ":1", "", "stabel"])
def test_an_unknown_reference_says_what_is_near(make: Make, releases: Releases, ref: str) -> None:
    promote(releases, make())
    with pytest.raises(UnknownReleaseError, match="is called") as raised:
        releases.resolve(ref)
    assert raised.value.hint is not None
    assert "movies:1" in raised.value.hint or "stable" in raised.value.hint


def test_an_empty_registry_says_how_to_make_a_release(releases: Releases) -> None:
    with pytest.raises(UnknownReleaseError, match="palate train"):
        releases.load("stable")
    assert releases.list() == ()
    assert releases.aliases() == {}


def test_an_alias_moves_and_rolls_back_further_and_further(make: Make, releases: Releases) -> None:
    for _ in range(3):
        promote(releases, make())
    assert releases.aliases() == {"stable": "movies:3"}
    assert releases.rollback(by="bob", reason="slow").ref == "movies:2"
    assert releases.rollback(by="bob", reason="slow").ref == "movies:1"
    assert releases.aliases() == {"stable": "movies:1"}
    with pytest.raises(ReleaseError, match="nothing to roll back to"):
        releases.rollback(by="bob", reason="slow")


def test_a_promotion_after_a_rollback_starts_from_there(make: Make, releases: Releases) -> None:
    for _ in range(3):
        make()
    promote(releases, "movies:1")
    promote(releases, "movies:2")
    releases.rollback(by="bob", reason="slow")
    promote(releases, "movies:3")
    assert releases.rollback(by="bob", reason="slow").ref == "movies:1"


def test_promoting_what_the_alias_names_already_changes_nothing(
    make: Make, releases: Releases
) -> None:
    promote(releases, make())
    promote(releases, make())
    promote(releases, "movies:2")
    assert len([e for e in releases.audit() if e.action == "promote"]) == 2
    assert releases.rollback(by="bob", reason="slow").ref == "movies:1"


def test_promoting_an_alias_moves_another_alias_to_the_same_release(
    make: Make, releases: Releases
) -> None:
    promote(releases, make(), "canary")
    promote(releases, "canary", "stable")
    make()
    assert releases.aliases() == {"canary": "movies:1", "stable": "movies:1"}


def test_a_release_and_an_alias_never_share_a_name(make: Make, releases: Releases) -> None:
    promote(releases, make("movies"))
    with pytest.raises(ReleaseError, match="is the name of releases"):
        promote(releases, "movies:1", "movies")
    with pytest.raises(ReleaseError, match="is an alias"):
        make("stable")
    with pytest.raises(ReleaseError, match="cannot be the name of an alias"):
        promote(releases, "movies:1", "movies:2")


def test_an_unknown_alias_cannot_be_rolled_back(make: Make, releases: Releases) -> None:
    promote(releases, make())
    with pytest.raises(UnknownReleaseError, match="no alias is called 'canary'"):
        releases.rollback("canary", by="bob", reason="slow")


def test_a_release_that_an_alias_names_is_not_removed(make: Make, releases: Releases) -> None:
    promote(releases, make())
    with pytest.raises(ReleaseError, match="movies:1 is what stable names"):
        releases.remove("movies:1", by="ann", reason="space")
    assert releases.load("stable").ref == "movies:1"


@pytest.mark.parametrize("ref", ["movies", "stable"])
def test_removal_needs_the_version(make: Make, releases: Releases, ref: str) -> None:
    promote(releases, make())
    with pytest.raises(ReleaseError, match="does not say which version"):
        releases.remove(ref, by="ann", reason="space")


def test_a_removed_release_is_gone_from_everywhere(
    make: Make, releases: Releases, tmp_path: Path
) -> None:
    for _ in range(3):
        promote(releases, make())
    releases.remove("movies:2", by="ann", reason="space")
    with pytest.raises(UnknownReleaseError):
        releases.resolve("movies:2")
    assert not FolderStore(tmp_path / "home" / "objects").exists("releases/movies/2")
    assert releases.rollback(by="bob", reason="slow").ref == "movies:1"


def test_the_way_back_survives_the_removal_of_a_step_between_equals(
    make: Make, releases: Releases
) -> None:
    make()
    make()
    for ref in ("movies:1", "movies:2", "movies:1"):
        promote(releases, ref)
    releases.remove("movies:2", by="ann", reason="space")
    with pytest.raises(ReleaseError, match="has named movies:1 alone"):
        releases.rollback(by="bob", reason="slow")


def test_a_damaged_bundle_is_neither_loaded_nor_promoted_nor_rolled_back_to(
    make: Make, releases: Releases, tmp_path: Path
) -> None:
    promote(releases, make())
    promote(releases, make())
    objects = FolderStore(tmp_path / "home" / "objects")
    state = objects.fetch("releases/movies/1") / "model" / "state.npz"
    state.chmod(0o644)
    state.write_bytes(state.read_bytes()[:-1])
    for attempt in (
        lambda: releases.load("movies:1"),
        lambda: releases.promote("movies:1", by="ann", reason="better"),
        lambda: releases.rollback(by="bob", reason="slow"),
    ):
        with pytest.raises(BundleError, match=r"model/state\.npz"):
            attempt()
    assert releases.aliases() == {"stable": "movies:2"}


def test_the_audit_says_who_did_what_and_why(make: Make, releases: Releases) -> None:
    make()
    make()
    releases.promote("movies:1", by="ann", reason="first")
    releases.promote("movies:2", by="ann", reason="better")
    releases.rollback(by="bob", reason="complaints")
    releases.remove("movies:2", by="carl", reason="space")
    told = [(e.who, e.action, e.ref, e.alias, e.previous, e.why) for e in releases.audit()]
    assert told == [
        ("ci", "create", "movies:1", None, None, ""),
        ("ci", "create", "movies:2", None, None, ""),
        ("ann", "promote", "movies:1", "stable", None, "first"),
        ("ann", "promote", "movies:2", "stable", "movies:1", "better"),
        ("bob", "rollback", "movies:1", "stable", "movies:2", "complaints"),
        ("carl", "remove", "movies:2", None, None, "space"),
    ]
    times = [e.at for e in releases.audit()]
    assert times == sorted(times)


@pytest.mark.parametrize("statement", ["DELETE FROM audit", "UPDATE audit SET who = 'nobody'"])
def test_the_audit_cannot_be_changed(make: Make, releases: Releases, statement: str) -> None:
    make()
    before = releases.audit()
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        releases._database.query(statement)
    assert releases.audit() == before


def test_a_change_that_nobody_answers_for_is_refused(make: Make, releases: Releases) -> None:
    make()
    with pytest.raises(ReleaseError, match="nobody is named"):
        releases.promote("movies:1", by=" ", reason="better")
    assert releases.aliases() == {}


def test_another_process_sees_an_alias_move_at_once(
    make: Make, releases: Releases, tmp_path: Path
) -> None:
    make()
    make()
    promote(releases, "movies:1")
    watcher = subprocess.Popen(
        [
            sys.executable,
            "-c",
            WATCHER,
            tmp_path / "home",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watcher.stdin is not None
    assert watcher.stdout is not None
    seen = []
    for ref in ("movies:1", "movies:2", "movies:1"):
        promote(releases, ref)
        watcher.stdin.write("look\n")
        watcher.stdin.flush()
        seen.append(watcher.stdout.readline().strip())
    watcher.communicate(timeout=30)
    assert seen == ["movies:1", "movies:2", "movies:1"]


def test_a_store_that_refuses_leaves_no_release_behind(
    make_model: MakeModel, dataset: Dataset, releases: Releases, tmp_path: Path
) -> None:
    FolderStore(tmp_path / "home" / "objects").publish("releases/movies/1", occupied(tmp_path))
    with pytest.raises(StoreError):
        releases.create(make_model(), name="movies", dataset=dataset)
    assert releases.list() == ()
    assert releases.audit() == ()


def test_a_home_opens_again(make: Make, releases: Releases, tmp_path: Path) -> None:
    promote(releases, make())
    again = open_releases(tmp_path / "home")
    assert again.load("stable").ref == "movies:1"
    again.close()


def occupied(tmp_path: Path) -> Path:
    """A folder with one file, to take an object's place with."""
    folder = tmp_path / "occupying"
    folder.mkdir()
    (folder / "file.json").write_text("{}")
    return folder
