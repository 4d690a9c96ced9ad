"""Tuning: it finds what is better, repeats itself, and cannot see a test part."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from palate.data.split import Stratified
from palate.errors import ConfigError, DataError, PalateError
from palate.evaluate import Protocol, tune
from palate.models.config import Choice, Range

if TYPE_CHECKING:
    from tests.evaluate.conftest import Kit

PROTOCOL = Protocol(k=3, rounds=20)


def test_it_finds_the_better_mode(kit: Kit) -> None:
    tuning = tune(kit.scripted_class, kit.crowd(), trials=8, seed=1, protocol=PROTOCOL)
    assert tuning.best.model_dump()["mode"] != "unpopular"
    assert tuning.metric == "NDCG@3"
    best = tuning.to_frame().row(0, named=True)
    poor = [t.quality for t in tuning.trials if t.config["mode"] == "unpopular"]
    assert poor
    assert all(quality is not None and quality.estimate < best["quality"] for quality in poor)


def test_the_first_trial_has_the_defaults(kit: Kit) -> None:
    tuning = tune(kit.scripted_class, kit.crowd(), trials=3, protocol=PROTOCOL)
    assert tuning.trials[0].config == kit.scripted_class.Config().model_dump(mode="json")


def test_same_seed_same_trials(kit: Kit) -> None:
    first, second, other = (
        tune(kit.scripted_class, kit.crowd(), trials=5, seed=seed, protocol=PROTOCOL)
        for seed in (1, 1, 2)
    )
    assert [t.config for t in first.trials] == [t.config for t in second.trials]
    assert [t.quality for t in first.trials] == [t.quality for t in second.trials]
    assert [t.config for t in first.trials] != [t.config for t in other.trials]


def test_no_config_is_tried_twice(kit: Kit) -> None:
    """Two modes and the defaults are three configs: fewer trials than asked for."""
    space = {"mode": Choice(("popular", "unpopular"))}
    tuning = tune(kit.scripted_class, kit.crowd(), trials=20, protocol=PROTOCOL, space=space)
    assert len(tuning.trials) == 3


def test_it_takes_no_test_part_and_cuts_its_own(kit: Kit) -> None:
    assert "test" not in inspect.signature(tune).parameters
    train = kit.crowd()
    tuning = tune(kit.scripted_class, train, trials=1, protocol=PROTOCOL)
    validation = Stratified().split(train).test
    quality = tuning.trials[0].quality
    assert quality is not None
    assert tuning.protocol.split == Stratified()
    assert len(validation) < len(train)


def test_the_metric_decides(kit: Kit) -> None:
    tuning = tune(kit.scripted_class, kit.crowd(), trials=1, protocol=PROTOCOL, metric="recall")
    assert tuning.metric == "Recall@3"
    with pytest.raises(ConfigError, match="does not measure"):
        tune(kit.scripted_class, kit.crowd(), protocol=PROTOCOL, metric="gini")


def test_empty_space(kit: Kit) -> None:
    with pytest.raises(ConfigError, match="no space to search"):
        tune(kit.scripted_class, kit.crowd(), protocol=PROTOCOL, space={})


def test_a_space_over_unknown_hyperparameters(kit: Kit) -> None:
    with pytest.raises(ConfigError, match="no hyperparameter depth"):
        tune(kit.scripted_class, kit.crowd(), protocol=PROTOCOL, space={"depth": Range(1, 2)})


def test_no_trials(kit: Kit) -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        tune(kit.scripted_class, kit.crowd(), trials=0, protocol=PROTOCOL)


def test_configs_that_fail_are_trials_with_an_error(kit: Kit) -> None:
    space = {"mode": Choice(("raise", "popular"))}
    tuning = tune(kit.scripted_class, kit.crowd(), trials=5, protocol=PROTOCOL, space=space)
    failed = [trial for trial in tuning.trials if trial.error]
    assert len(failed) == 1
    assert failed[0].quality is None
    assert tuning.to_frame().row(-1, named=True)["error"].startswith("ZeroDivisionError")


def test_all_trials_fail(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr(kit.scripted_class, "_fit", fail)
    with pytest.raises(PalateError, match="all 3 trials of scripted failed"):
        tune(kit.scripted_class, kit.crowd(), trials=3, protocol=PROTOCOL)


def test_too_little_to_cut(kit: Kit) -> None:
    with pytest.raises(DataError, match="leaves nothing in test"):
        tune(kit.scripted_class, kit.dataset([("u", "a")]), protocol=PROTOCOL)


def test_progress(kit: Kit) -> None:
    told: list[tuple[int, int]] = []
    tune(
        kit.scripted_class,
        kit.crowd(),
        trials=2,
        protocol=PROTOCOL,
        progress=lambda done, total, _: told.append((done, total)),
    )
    assert told == [(0, 2), (1, 2), (2, 2)]
