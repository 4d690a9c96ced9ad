from __future__ import annotations

from palate.cli.layout import ago, fields, number, table, when


def test_numbers_stand_right_and_text_left() -> None:
    assert table(["item", "score"], [["a", 0.5], ["long", 12.25]]) == (
        "item    score\na      0.5000\nlong  12.2500"
    )


def test_an_empty_table_is_its_headers() -> None:
    assert table(["item", "score"], []) == "item  score"


def test_a_small_number_is_no_zero() -> None:
    cells = table(["score"], [[0.0], [1e-9], [-2.5e-4], [float("nan")]]).split()
    assert cells == ["score", "0.0000", "1.00e-09", "-2.50e-04", "nan"]


def test_long_text_is_cut_and_line_breaks_are_not_followed() -> None:
    assert table(["title"], [["one\ntwo three four"]], widest=10).splitlines()[1] == "one two t…"


def test_nothing_is_a_dash() -> None:
    assert table(["n", "m"], [[1, None]]) == "n  m\n1  -"


def test_a_flag_is_not_a_number() -> None:
    assert table(["flag"], [[True]]).splitlines()[1] == "True"


def test_fields_are_aligned() -> None:
    assert fields([("rows", 100000), ("to", "x")]) == "rows  100,000\nto    x"


def test_times() -> None:
    assert when(0) == when(-1) == "-"
    assert when(1_000_000) == "1970-01-01 00:00:01"
    assert [ago(0.44), ago(59.6), ago(600)] == ["0.4 s", "60 s", "10 min"]
    assert number(1234567) == "1,234,567"
