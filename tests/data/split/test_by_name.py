from __future__ import annotations

from typing import get_args

import pytest
from pydantic import TypeAdapter

from palate.config import EvaluateSettings
from palate.data.split import (
    AnySplitter,
    Given,
    GlobalTime,
    LeaveOneOut,
    Splitter,
    Stratified,
    split_by_name,
    split_names,
)
from palate.errors import ConfigError


@pytest.mark.parametrize("name", split_names())
def test_every_name_gives_its_splitter(name: str) -> None:
    splitter = split_by_name(name, test_ratio=0.1, seed=7)
    dumped = splitter.model_dump()
    assert dumped["name"] == name
    assert dumped.get("test_ratio", 0.1) == 0.1
    assert dumped.get("seed", 7) == 7
    assert TypeAdapter[Splitter](AnySplitter).validate_python(dumped) == splitter


def test_all_splitters_are_named() -> None:
    union = get_args(get_args(AnySplitter)[0])
    names = {kind.model_fields["name"].default for kind in union} - {
        Given.model_fields["name"].default  # needs a file, which settings do not name
    }
    assert names == set(split_names())


def test_the_default_settings_name_one() -> None:
    assert split_by_name(EvaluateSettings().split) == Stratified()


def test_hyphens_will_do() -> None:
    assert split_by_name("leave-one-out") == LeaveOneOut()
    assert split_by_name("global-time", test_ratio=0.2) == GlobalTime(test_ratio=0.2)


def test_an_unknown_name() -> None:
    with pytest.raises(ConfigError, match="no split is called 'half'") as caught:
        split_by_name("half")
    assert "stratified" in str(caught.value.hint)
