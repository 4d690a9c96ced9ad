"""What a part of the service takes of the processor where others want it, too."""

from __future__ import annotations

import os

import pytest

from palate.serve.role import give_way


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system knows no niceness")
def test_others_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    monkeypatch.setattr(os, "nice", steps.append)
    give_way(5)
    assert steps == [5]


def test_where_there_is_no_niceness_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "nice", raising=False)
    give_way(5)
    assert not hasattr(os, "nice")
