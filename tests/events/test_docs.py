"""docs/log-and-state.md: the page of events names what there is."""

from __future__ import annotations

import re
from pathlib import Path

from palate.events.schema import RESERVED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "log-and-state.md"


def test_every_reserved_type_is_in_the_table() -> None:
    _, _, rest = PAGE.read_text().partition("These types are reserved")
    table, _, _ = rest.partition("\n\nEach event")
    assert set(re.findall(r"^\| `([a-z.]+)`", table, re.MULTILINE)) == RESERVED
