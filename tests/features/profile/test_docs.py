"""docs/profiles.md: its example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "profiles.md").read_text()


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    scope: dict[str, Any] = {}
    exec(compile(code, "profiles.md", "exec"), scope)
    assert re.fullmatch(r"blue \d+% ± \d+%\n", capsys.readouterr().out)
    average = scope["preferences"](
        scope["person"](), scope["average"], scope["now"], scope["definition"]
    )
    usual = average.categories["colour"].probability["blue"]
    assert scope["colour"].probability["blue"] > usual
