"""`palate train --since` where tastes move: what it releases, and what it refuses."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from palate.cli.main import app
from palate.data.dataset import Dataset
from palate.events.log.sqlite import SqliteEventLog
from palate.events.served import Slate, served_event
from palate.models.realtime import Realtime
from palate.models.realtime.events import LEFT_ALONE, Events
from palate.release.registry import Releases, open_releases
from palate.serve.counters import Counters
from palate.serve.shelf import Shelf
from palate.testing.moving_market import MOVED, fans_of, moving_market

Run = Callable[..., Any]

SETTINGS = """
[models.realtime]
epochs = 8
batch_size = 64
learning_rate = 0.01
dimension = 16
hidden = 24
rank_hidden = [16, 8]
catalogue = 16
recent = 6
recent_gradient = true
heads = 2
validation = 0.0
bins = 4
"""
HOME = Path(".palate")
FEW = ("--gate", "min_users=10")


def test_a_model_that_cannot_continue_is_named(palate: Run, project: Path) -> None:
    ran = palate("train", "sar", "--since", "last")
    assert ran.code == 1
    assert "sar cannot continue" in ran.err
    assert "palate train sar" in ran.err


@pytest.mark.parametrize(
    ("option", "value"), [("--from", "stable"), ("--hold-out", "0.5"), ("--gate", "min_users=5")]
)
def test_what_goes_with_since_is_refused_alone(
    palate: Run, project: Path, option: str, value: str
) -> None:
    ran = palate("train", "popular", option, value)
    assert ran.code == 1
    assert f"{option} goes with --since" in ran.err


def test_an_impossible_gate_is_refused_before_anything_is_read(palate: Run) -> None:
    ran = palate("train", "realtime", "--since", "last", "--gate", "min_users=1")
    assert ran.code == 1
    assert "gate: min_users" in ran.err
    assert not HOME.exists()


def test_there_must_be_a_release(palate: Run, project: Path) -> None:
    ran = palate("train", "realtime", "--since", "last", "--from", "realtime")
    assert ran.code == 1
    assert "no release or alias is called 'realtime'" in ran.err


# ---------------------------------------------------------------------- with nets


def brought(file: str) -> None:
    imported = CliRunner().invoke(app, ["import", file, "--items", "cars.parquet"])
    assert imported.exit_code == 0, imported.output


@pytest.fixture(scope="module")
def _market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`realtime:1`, stable, learned from the first days; the later ones are not imported yet."""
    pytest.importorskip("torch")
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("market")
    whole = moving_market()
    late = pl.col("timestamp") > MOVED
    wanted = whole.interactions.select("user_id", "item_id", "event", "timestamp")
    wanted.filter(~late).write_parquet(folder / "old.parquet")
    wanted.filter(late).write_parquet(folder / "new.parquet")
    whole.items.write_parquet(folder / "cars.parquet")
    with contextlib.chdir(folder):
        brought("old.parquet")
        with Path("palate.toml").open("a") as file:
            file.write(SETTINGS)
        trained = CliRunner().invoke(app, ["train", "realtime", "--promote"])
        assert trained.exit_code == 0, trained.output
    return folder


@pytest.fixture
def market(_market: Path, tmp_path: Path) -> Path:
    shutil.copytree(_market, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def releases(market: Path) -> Iterator[Releases]:
    opened = open_releases(HOME)
    yield opened
    opened.close()


@pytest.fixture
def _new(market: Path) -> None:
    """The later days are in the log, too."""
    brought("new.parquet")


@pytest.mark.slow
@pytest.mark.usefixtures("_new")
def test_it_is_judged_released_as_canary_and_followed(palate: Run, releases: Releases) -> None:
    shelf = Shelf(releases, Counters(Path("counters.bin")))
    assert shelf.refresh()
    before: Any = shelf.find("realtime:1")
    ran = palate("train", "realtime", "--since", "last", *FEW, "--json")
    assert ran.code == 0, ran.err
    said = ran.data
    assert (said["release"], said["from"], said["aliases"]) == (
        "realtime:2",
        "realtime:1",
        ["canary"],
    )
    assert (said["rows"], said["held"]) == (216, 54)
    assert said["verdict"]["decision"] == "pass"
    assert said["verdict"]["difference"]["estimate"] > 0
    assert releases.aliases() == {"canary": "realtime:2", "stable": "realtime:1"}

    assert shelf.refresh()
    after: Any = shelf.view.aliases["canary"]
    assert after.ref == "realtime:2"
    assert after.model.nets.space != before.model.nets.space
    manifest = releases.resolve("canary").manifest
    assert manifest.continued_from == "realtime:1"
    assert manifest.data.rows == 720 + 216
    measured = manifest.metrics["ndcg@10"]
    assert measured.estimate == said["verdict"]["candidate_metric"]["estimate"]

    assert palate("release", "promote", "canary").code == 0
    assert releases.aliases()["stable"] == "realtime:2"
    assert shelf.refresh()
    assert shelf.view.aliases["stable"].ref == "realtime:2"
    whys = [entry.why for entry in releases.audit() if entry.ref == "realtime:2"]
    assert whys[0] == "trained; continued from realtime:1"
    assert "ndcg@10" in whys[1]


def micros(day: int, hour: int) -> int:
    """Microseconds since 1970 of an hour of January 2026."""
    return round(datetime(2026, 1, day, hour, tzinfo=UTC).timestamp() * 1e6)


def shown(at: int, visitors: list[str], items: list[str]) -> None:
    """One slate each, of which nothing was taken."""
    slates = [
        Slate(
            request_id=f"{visitor} {at}", user_id=visitor, timestamp=at, items=items,
            scores=[1.0] * len(items), propensities=[1.0] * len(items),
        )
        for visitor in visitors
    ]  # fmt: skip
    with SqliteEventLog(HOME / "events" / "log.sqlite") as log:
        log.append([served_event(slate, slate.request_id) for slate in slates])


@pytest.mark.slow
@pytest.mark.usefixtures("_new")
def test_what_was_shown_and_left_alone_is_learned_too(
    palate: Run, releases: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    fans, cars = fans_of("A"), ["B00", "B01"]
    early, since, late = micros(2, 12), micros(11, 12), micros(14, 0)
    for at in (early, since, late):
        shown(at, fans, cars)
    learned: list[Events] = []
    continued = Realtime.continue_fit

    def continue_fit(model: Realtime, dataset: Dataset, **options: Any) -> Realtime:
        learned.append(Events.of(dataset, model._served))
        return continued(model, dataset, **options)

    monkeypatch.setattr(Realtime, "continue_fit", continue_fit)
    ran = palate("train", "realtime", "--since", "last", *FEW, "--json")
    assert ran.code == 0, ran.err
    (events,) = learned
    alone = np.flatnonzero(events.types == LEFT_ALONE)
    assert len(alone) == 2 * len(cars) * len(fans), "old and new; not what belongs to the judging"
    assert set(events.histories.timestamps[alone].tolist()) == {early, since}
    found = {releases.load(ran.data["release"]).model.vocabulary.id(row)
             for row in events.histories.items[alone].tolist()}  # fmt: skip
    assert found == set(cars)


@pytest.mark.slow
@pytest.mark.usefixtures("_new")
def test_promote_moves_what_is_served_too(palate: Run, releases: Releases) -> None:
    ran = palate("train", "realtime", "--since", "2026-01-05", *FEW, "--promote")
    assert ran.code == 0, ran.err
    assert "continued realtime:1 on 216 events after 2026-01-05 00:00:00 UTC" in ran.err
    assert "released realtime:2; named now by canary and stable" in ran.out
    assert releases.aliases() == {"canary": "realtime:2", "stable": "realtime:2"}
    # What judged it is new to the next one, and here too little to judge that.
    ran = palate("train", "realtime", "--since", "last")
    assert ran.code == 1
    assert "refused" in ran.out


@pytest.mark.slow
@pytest.mark.usefixtures("_new")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "27 users did something new"),
        (
            (*FEW, "--gate", "require=better", "--set", "learning_rate=1e-9"),
            "not shown to be better",
        ),
    ],
    ids=["too few users", "not better"],
)
def test_a_refusal_changes_nothing(
    palate: Run, releases: Releases, options: tuple[str, ...], said: str
) -> None:
    before, entries = releases.aliases(), len(releases.audit())
    ran = palate("train", "realtime", "--since", "last", "--promote", *options)
    assert ran.code == 1
    assert said in ran.out
    assert "nothing was released" in ran.out
    assert releases.aliases() == before == {"stable": "realtime:1"}
    assert [release.ref for release in releases.list()] == ["realtime:1"]
    assert len(releases.audit()) == entries


@pytest.mark.slow
def test_nothing_new_is_said_and_is_no_failure(
    palate: Run, market: Path, releases: Releases
) -> None:
    ran = palate("train", "realtime", "--since", "last")
    assert ran.code == 0
    assert "nothing happened after 2026-01-03" in ran.out
    assert palate("train", "realtime", "--since", "last", "--json").data["release"] is None
    assert releases.aliases() == {"stable": "realtime:1"}


@pytest.mark.slow
@pytest.mark.usefixtures("_new")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--since", "last", "--set", "dimension=32"),
            "dimension = 16 and cannot continue with 32",
        ),
        (("--since", "last", "--set", "nosuch=1"), "nosuch"),
        (("--since", "last", "--hold-out", "1"), "the share that judges is 1"),
        (("--since", "soon"), "'soon' is no time"),
    ],
    ids=["other nets", "no such setting", "no share", "no time"],
)
def test_what_cannot_be_done_is_said(palate: Run, options: tuple[str, ...], said: str) -> None:
    ran = palate("train", "realtime", *options)
    assert ran.code == 1
    assert said in ran.err


@pytest.mark.slow
@pytest.mark.usefixtures("_new")
def test_a_name_that_is_another_model_is_refused(palate: Run) -> None:
    ran = palate("train", "sar", "--since", "last")
    assert ran.code == 1
    assert "sar is a sar, but the release that it would continue from is a realtime" in ran.err
