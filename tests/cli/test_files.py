"""`palate init` and `palate import` on a user's own files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from palate.config import load_settings

Run = Callable[..., Any]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "orders.csv").write_text(
        "uid,sku,stars,created_at\n"
        + "".join(f"u{n % 4},p{n % 6},{1 + n % 5},2026-01-{n + 1:02}T10:00:00\n" for n in range(20))
    )
    (tmp_path / "products.csv").write_text(
        "sku,name,colours,price\n"
        + "".join(f"p{n},Thing number {n},red|blue|green,{10 * n + 5}\n" for n in range(6))
    )
    return tmp_path


def test_init_guesses_and_explains(palate: Run, shop: Path) -> None:
    written = palate("init", "orders.csv", "products.csv", "--json")
    assert written.code == 0, written.err
    meanings = {g["column"]: g["meaning"] for g in written.data["guesses"] if g["table"] != "items"}
    assert meanings == {
        "uid": "user_id",
        "sku": "item_id",
        "stars": "value",
        "created_at": "timestamp",
    }
    assert load_settings(shop / "palate.toml").items["price"].kind == "number"


def test_init_without_files_writes_defaults(palate: Run, tmp_path: Path) -> None:
    assert palate("init").code == 0
    assert load_settings(tmp_path / "palate.toml").serve.port == 8080


def test_init_leaves_an_existing_file_alone(palate: Run, shop: Path) -> None:
    Path("palate.toml").write_text("# mine\n")
    refused = palate("init", "orders.csv")
    assert refused.code == 1
    assert "--force" in refused.err
    assert Path("palate.toml").read_text() == "# mine\n"
    assert palate("init", "orders.csv", "--force").code == 0
    assert "events" in Path("palate.toml").read_text()


def test_import_finds_columns_by_name(palate: Run, shop: Path) -> None:
    imported = palate("import", "orders.csv", "--items", "products.csv", "--json")
    assert imported.code == 0, imported.err
    assert imported.data == {
        "source": "orders.csv",
        "interactions": 20,
        "users": 4,
        "items": 6,
        "new": 26,
        "duplicates": 0,
    }
    again = palate("import", "orders.csv", "--items", "products.csv", "--json")
    assert (again.data["new"], again.data["duplicates"]) == (0, 26)


def test_named_columns_go_before_guessed_ones(palate: Run, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("who,user,product,when\na,1,p,2026-01-01T00:00:00\n")
    imported = palate("import", "x.csv", "--columns", "user_id=who,timestamp=when", "--json")
    assert imported.code == 0, imported.err
    tail = palate("events", "tail", "-n", "1").out
    assert "2026-01-01 00:00:00" in tail
    assert " a " in tail


def test_several_files_of_interactions_are_one_import(palate: Run, shop: Path) -> None:
    more = "uid,sku,stars,created_at\nu9,p1,5,2026-02-01T10:00:00\n"
    (shop / "more.csv").write_text(more)
    imported = palate("import", "orders.csv", "more.csv", "--json")
    assert (imported.data["interactions"], imported.data["users"]) == (21, 5)


def test_a_value_that_the_settings_ignore_is_named(palate: Run, shop: Path) -> None:
    Path("palate.toml").write_text("[events.click]\nweight = 1.0\n")
    imported = palate("import", "generated")
    assert imported.code == 0
    assert "warning" not in imported.err
    Path("palate.toml").write_text("")
    warned = palate("import", "orders.csv")
    assert "does not declare the event 'interaction'" in warned.err


def test_one_user_and_one_item_are_enough(palate: Run, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("user_id,item_id\nu,i\n")
    assert palate("import", "one.csv").code == 0
    assert palate("train", "popular", "--promote").code == 0
    assert palate("recommend", "u", "--json").data["items"] == []
