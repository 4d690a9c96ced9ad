from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from palate.cli.progress import ProgressBar
from palate.cli.terminal import Terminal, coloured, plain


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_answer_goes_to_stdout_and_messages_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    spoken = Terminal()
    spoken.answer({"n": 1}, "one")
    spoken.say("working")
    spoken.warn("careful")
    spoken.fail("broken", hint="mend it")
    out, err = capsys.readouterr()
    assert out == "one\n"
    assert err == "working\nwarning: careful\nerror: broken\n  next: mend it\n"


def test_quiet_keeps_answers_warnings_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    spoken = Terminal(quiet=True)
    spoken.answer({}, "one")
    spoken.say("working")
    spoken.warn("careful")
    spoken.fail("broken", hint=None)
    assert capsys.readouterr() == ("one\n", "warning: careful\nerror: broken\n")


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal(json=True).answer({"n": [1, float("nan")], "titel": "Café"}, "never shown")
    out, _ = capsys.readouterr()
    assert json.loads(out) == {"n": [1, None], "titel": "Café"}
    assert "NaN" not in out


def test_plain_knows_paths_times_and_sequences() -> None:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    assert plain({"p": Path("a/b"), "t": when, "s": (1, 2), "i": float("inf")}) == {
        "p": "a/b",
        "t": "2026-01-02T00:00:00+00:00",
        "s": [1, 2],
        "i": None,
    }


def test_plain_refuses_what_json_has_no_word_for() -> None:
    with pytest.raises(TypeError, match="object"):
        plain({"x": object()})


@pytest.mark.parametrize(("no_color", "wanted"), [("", True), ("1", False)])
def test_no_color_is_respected(
    no_color: str, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    assert coloured(Tty()) is wanted
    assert not coloured(io.StringIO())


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal().progress() as progress:
        progress(1, 2, "reading")
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Tty()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("palate.cli.progress.PATIENCE_S", 0.0)
    with Terminal().progress() as progress:
        assert isinstance(progress, ProgressBar)
        progress(1, 4, "reading")
        progress(3, 4, "counting")
    assert "counting" in screen.getvalue()
    assert "75 %" in screen.getvalue()


def test_a_quick_job_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Tty()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("palate.cli.progress.PATIENCE_S", 3600.0)
    with Terminal().progress() as progress:
        progress(1, 4, "reading")
    assert screen.getvalue() == ""
