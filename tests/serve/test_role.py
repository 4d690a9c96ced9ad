"""What a part of the service takes of the processor where others want it, too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from palate.serve import role
from palate.serve.role import give_way


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the niceness of this process's session."""
    found = tmp_path / "autogroup"
    monkeypatch.setattr(role, "_AUTOGROUP", found)
    return found


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that were taken, from a niceness of 2."""
    taken: list[int] = []

    def nice(more: int) -> int:
        taken.append(more)
        return 2 + more

    monkeypatch.setattr(os, "nice", nice, raising=False)
    return taken


def test_others_go_first(session: Path, steps: list[int]) -> None:
    give_way(5)
    assert steps == [5]
    assert not session.exists(), "this system shares among processes alone"


def test_so_do_other_sessions(session: Path, steps: list[int]) -> None:
    session.write_text("/autogroup-7 nice 2")
    give_way(5)
    assert session.read_text() == "7"


def test_a_session_that_is_not_ours_stays_as_it_is(session: Path, steps: list[int]) -> None:
    session.mkdir()  # cannot be written to, whoever runs this
    give_way(5)
    assert steps == [5]


def test_where_there_is_no_niceness_nothing_happens(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.write_text("/autogroup-7 nice 0")
    monkeypatch.delattr(os, "nice", raising=False)
    give_way(5)
    assert session.read_text() == "/autogroup-7 nice 0"
