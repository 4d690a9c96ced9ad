"""docs/profiles.md: its example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "profiles.md").read_text()


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = (c for c in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "print(" in c)
    scope: dict[str, Any] = {}
    exec(compile(code, "profiles.md", "exec"), scope)
    assert re.fullmatch(r"blue \d+% ± \d+%\n", capsys.readouterr().out)
    average = scope["preferences"](
        scope["person"](), scope["average"], scope["now"], scope["definition"]
    )
    usual = average.categories["colour"].probability["blue"]
    assert scope["colour"].probability["blue"] > usual


def test_the_layout_stands_where_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    codes = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    scope: dict[str, Any] = {}
    for code in codes:
        if "print(" in code or "ProfileLayout" in code:
            if "layout.vector" in code:
                scope["kept"] = scope["person"](("view", "blue", 25_000))
            exec(compile(code, "profiles.md", "exec"), scope)
    capsys.readouterr()
    names = scope["layout"].names
    assert set(re.findall(r"`((?:colour|price)[:=]\w+)`", PAGE)) <= set(names)
    assert names[0] == "colour=red"
    vector = dict(zip(names, scope["layout"].vector(scope["kept"], scope["now"]), strict=True))
    assert vector["colour=blue"] > 0.0 > vector["colour=red"]
