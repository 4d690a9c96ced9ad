from __future__ import annotations

import tomllib
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palate.config import Attribute, EventType, Schema, load_settings
from palate.data.infer import infer, infer_tables
from palate.data.init_file import render, render_schema
from palate.data.sources import movielens
from palate.types import AttributeKind

INTERACTIONS = pl.DataFrame({"user": ["u", "v"], "item": ["i", "j"], "stars": [4, 5]})


def loaded(text: str, folder: Path) -> Schema:
    path = folder / "palate.toml"
    path.write_text(text)
    return load_settings(path).schema_


def test_guesses_come_back_as_settings(tmp_path: Path) -> None:
    items = pl.DataFrame(
        {"item": ["i", "j"], "price": [1, 900], "colour": ["red", "blue"], "same": [1, 1]}
    )
    found = infer_tables(INTERACTIONS, items=items)
    text = render(found)
    assert loaded(text, tmp_path) == found.schema
    assert "# items.same is left out: always 1" in text
    assert "the stars multiplies" in text


names = st.text(min_size=1, max_size=12)
attributes = st.builds(
    Attribute,
    kind=st.sampled_from([kind for kind in AttributeKind if kind is not AttributeKind.VECTOR]),
    scale=st.sampled_from(["linear", "log"]),
    separator=st.none() | names,
) | st.builds(Attribute, kind=st.just(AttributeKind.VECTOR), size=st.integers(1, 4096))


@given(
    st.dictionaries(names, st.builds(EventType, weight=st.floats(-9, 9)), max_size=3),
    st.dictionaries(names, attributes, max_size=3),
    st.dictionaries(names, attributes, max_size=3),
)
def test_any_schema_survives(
    events: dict[str, EventType], items: dict[str, Attribute], users: dict[str, Attribute]
) -> None:
    schema = Schema(events=events, items=items, users=users)
    tables = tomllib.loads(render_schema(schema))
    written = {name: tables.get(name, {}) for name in Schema.model_fields}
    assert Schema.model_validate(written) == schema


def test_the_schema_of_a_public_set(tmp_path: Path) -> None:
    schema = Schema(events={"rating": EventType(value="multiply")}, items=movielens.ITEMS)
    assert loaded(render_schema(schema), tmp_path) == schema


def test_without_files_it_is_a_form_to_fill_in(tmp_path: Path) -> None:
    text = render(infer([]))
    assert loaded(text, tmp_path) == Schema()
    assert "# [events.click]" in text


def test_every_default_is_shown_and_true(tmp_path: Path) -> None:
    """With the defaults uncommented the settings are the same as without a file."""
    lines = render(infer([])).splitlines()
    sections = lines.index("[log]")
    bare = [line.removeprefix("# ") for line in lines[sections:]]
    path = tmp_path / "palate.toml"
    path.write_text("\n".join(bare))
    settings, plain = load_settings(path), load_settings()
    for section in ("log", "serve", "evaluate"):
        assert getattr(settings, section) == getattr(plain, section)
        for name in type(getattr(plain, section)).model_fields:
            assert any(line.startswith(f"{name} = ") for line in bare)


@pytest.mark.parametrize("name", ["ratings.csv", "my ratings.csv"])
def test_the_command_that_imports_is_shown(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    INTERACTIONS.write_csv(path)
    text = render(infer([path]))
    shown = f"'{path}'" if " " in name else str(path)
    assert f"palate import {shown} --columns user_id=user,item_id=item,value=stars" in text


def test_a_column_name_cannot_break_out_of_its_comment(tmp_path: Path) -> None:
    odd = INTERACTIONS.with_columns(pl.lit("x").alias('mood\nhome = "/evil"'))
    found = infer_tables(odd)
    assert loaded(render(found), tmp_path) == found.schema
    assert "evil" not in str(tomllib.loads(render(found)))
