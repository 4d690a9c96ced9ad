"""The protocol: frozen, hashed, and honest about how train and test were cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from palate.config import EvaluateSettings
from palate.data.split import Chronological, Given, Stratified
from palate.errors import ConfigError
from palate.evaluate import Protocol


def test_equal_protocols_have_equal_hashes() -> None:
    assert Protocol().hash == Protocol(k=10).hash
    hashes = {
        Protocol().hash,
        Protocol(k=20).hash,
        Protocol(seed=1).hash,
        Protocol(exclude_seen=False).hash,
        Protocol(metrics=("map", "ndcg")).hash,
        Protocol(split=Stratified(seed=7)).hash,
        Protocol(split=None).hash,
    }
    assert len(hashes) == 7


def test_it_survives_json() -> None:
    protocol = Protocol(split=Chronological(test_ratio=0.1), k=5, min_value=4)
    again = Protocol.model_validate_json(protocol.model_dump_json())
    assert again == protocol
    assert again.hash == protocol.hash


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Protocol().k = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("k", 0),
        ("metrics", ()),
        ("metrics", ("ndcg", "ndcg")),
        ("metrics", ("accuracy",)),
        ("metrics", ("rmse",)),
        ("level", 1.0),
        ("rounds", 0),
        ("min_value", float("nan")),
        ("unknown", 1),
    ],
)
def test_impossible_values(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        Protocol.model_validate({field: value})


def test_from_settings() -> None:
    settings = EvaluateSettings(split="chronological", test_ratio=0.2, k=7, seed=3)
    protocol = Protocol.from_settings(settings)
    assert protocol.split == Chronological(test_ratio=0.2)
    assert (protocol.k, protocol.seed) == (7, 3)
    with pytest.raises(ConfigError, match="no split"):
        Protocol.from_settings(EvaluateSettings(split="alphabetical"))


def test_validation_is_cut_as_the_test_was() -> None:
    assert Protocol(split=Chronological()).validation == Chronological()
    assert Protocol(split=None, seed=9).validation == Stratified(seed=9)
    given = Given(path=Path("marks.csv"))
    assert isinstance(Protocol(split=given).validation, Stratified)


def test_labels() -> None:
    protocol = Protocol(k=5)
    assert protocol.label("ndcg") == "NDCG@5"
    assert protocol.label("hit_rate") == "Hit rate@5"
    assert protocol.label("rmse") == "RMSE"
    assert protocol.short_label("map") == "MAP"


def test_split_in_words() -> None:
    assert Protocol(split=None).split_words == "given by the caller"
    assert Protocol().split_words == "stratified (test_ratio 0.25, by user, seed 42)"


def test_named_metric() -> None:
    assert Protocol().named_metric(None) == "ndcg"
    assert Protocol().named_metric("recall") == "recall"
    with pytest.raises(ConfigError, match="does not measure"):
        Protocol(metrics=("map",)).named_metric("ndcg")
