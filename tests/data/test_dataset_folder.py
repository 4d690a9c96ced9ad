from __future__ import annotations

import json
from pathlib import Path

import pytest

from palate.data import Dataset
from palate.errors import DataError


def test_what_was_saved_is_loaded(shop: Dataset, tmp_path: Path) -> None:
    part = shop.with_interactions(shop.interactions.head(2))  # vocabularies wider than rows
    part.save(tmp_path / "new" / "shop")
    loaded = Dataset.load(tmp_path / "new" / "shop")
    assert loaded.checksum == part.checksum
    assert loaded.interactions.equals(part.interactions)
    assert loaded.items.equals(part.items)
    assert loaded.users.equals(part.users)
    assert loaded.schema == part.schema
    assert loaded.item_vocabulary == part.item_vocabulary
    assert loaded.user_vocabulary == part.user_vocabulary
    assert loaded.name == "shop"


def test_saving_again_replaces(shop: Dataset, tmp_path: Path) -> None:
    shop.save(tmp_path)
    shop.with_interactions(shop.interactions.head(1)).save(tmp_path)
    assert len(Dataset.load(tmp_path)) == 1


def test_no_dataset_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no dataset"):
        Dataset.load(tmp_path / "none")


@pytest.mark.parametrize(
    "name", ["interactions.parquet", "items.parquet", "item_ids.npz", "user_ids.npz"]
)
@pytest.mark.parametrize("keep", [0, 40])
def test_a_truncated_file_is_refused(shop: Dataset, tmp_path: Path, name: str, keep: int) -> None:
    shop.save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:keep])
    with pytest.raises(DataError, match="is damaged") as caught:
        Dataset.load(tmp_path)
    assert caught.value.hint == "import it again"


def test_an_altered_table_is_refused(shop: Dataset, tmp_path: Path) -> None:
    shop.save(tmp_path)
    shop.interactions.reverse().write_parquet(tmp_path / "interactions.parquet")
    with pytest.raises(DataError, match="was altered"):
        Dataset.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 99}, "format 99"), ({"schema": {"events": 1}}, "is damaged")],
)
def test_another_head_is_refused(
    shop: Dataset, tmp_path: Path, change: dict[str, object], message: str
) -> None:
    shop.save(tmp_path)
    head = tmp_path / "dataset.json"
    head.write_text(json.dumps(json.loads(head.read_text()) | change))
    with pytest.raises(DataError, match=message):
        Dataset.load(tmp_path)
