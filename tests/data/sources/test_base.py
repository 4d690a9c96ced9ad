from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from palate.data import Dataset
from palate.data.read import read_interactions
from palate.data.sources import Size, Source, names, source
from palate.data.sources.origins import LocalFolder, Publisher
from palate.errors import DataError

CSV = "user_id,item_id\nu,a\nv,b\nv,a\n"
SIZE = Size(n_events=3, n_users=2, n_items=2)


def zipped(content: str = CSV) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        file.writestr(zipfile.ZipInfo("tiny/ratings.csv"), content)
    return whole.getvalue()


def read(folder: Path) -> Dataset:
    return Dataset.from_frames(read_interactions(folder / "ratings.csv"), name="tiny")


@pytest.fixture
def tiny(publisher: Any) -> Source:
    """A set that two addresses of the publisher and a local folder have."""
    publisher.files["/first.zip"] = publisher.files["/second.zip"] = zipped()
    sha256 = hashlib.sha256(zipped()).hexdigest()
    return Source(
        name="tiny",
        title="Tiny",
        homepage="http://tiny.example",
        terms="Be kind.",
        citation="Nobody, never.",
        origins=(
            Publisher(f"{publisher.url}/first.zip", sha256, "tiny"),
            Publisher(f"{publisher.url}/second.zip", sha256, "tiny"),
            LocalFolder("tiny"),
        ),
        read=read,
        size=SIZE,
    )


def load(tiny: Source, cache: Path, local: Path | None = None) -> Dataset:
    return tiny.load(cache, accept_licence=True, local=local)


def test_terms_come_first(tiny: Source, publisher: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Be kind\. See http://tiny\.example") as caught:
        tiny.load(tmp_path, accept_licence=False)
    assert "--accept-licence" in str(caught.value.hint)
    assert publisher.asked == []
    assert list(tmp_path.iterdir()) == []


def test_the_first_origin_is_asked_once_and_kept(
    tiny: Source, publisher: Any, tmp_path: Path
) -> None:
    assert not tiny.cached(tmp_path)
    first = load(tiny, tmp_path)
    assert tiny.cached(tmp_path)
    again = tiny.load(tmp_path, accept_licence=False)  # accepted when it was fetched
    assert first.checksum == again.checksum
    assert publisher.asked == ["/first.zip"]
    assert [p.name for p in tmp_path.iterdir()] == ["tiny"]


@pytest.mark.parametrize(
    ("served", "why"),
    [
        (None, "answered 404"),
        (zipped()[:-9], "altered or incomplete"),
        (zipped("user_id,item_id\nu,EVIL\n"), "altered or incomplete"),
        (b"", "altered or incomplete"),
    ],
)
def test_a_bad_copy_falls_through_to_the_next_origin(
    tiny: Source, publisher: Any, tmp_path: Path, served: bytes | None, why: str
) -> None:
    del publisher.files["/first.zip"]
    if served is not None:
        publisher.files["/first.zip"] = served
    assert load(tiny, tmp_path).item_vocabulary.ids == ("a", "b")
    assert publisher.asked == ["/first.zip", "/second.zip"]
    alone = replace(tiny, name="alone", origins=tiny.origins[:1])
    with pytest.raises(DataError, match=why) as caught:
        load(alone, tmp_path)
    assert "PALATE_DATA" in str(caught.value.hint)
    assert not alone.cached(tmp_path)


def test_a_broken_download_falls_through(tiny: Source, publisher: Any, tmp_path: Path) -> None:
    publisher.announced["/first.zip"] = 10_000
    assert len(load(tiny, tmp_path)) == 3
    assert publisher.asked == ["/first.zip", "/second.zip"]


def test_another_checksum_can_be_given(tiny: Source, publisher: Any, tmp_path: Path) -> None:
    other = zipped("user_id,item_id\nu,other\n")
    publisher.files["/first.zip"] = other
    origin = Publisher(f"{publisher.url}/first.zip", hashlib.sha256(other).hexdigest(), "tiny")
    renewed = replace(tiny, origins=(origin,), size=None)
    assert load(renewed, tmp_path).item_vocabulary.ids == ("other",)


def test_the_local_folder_is_the_last_resort(tiny: Source, publisher: Any, tmp_path: Path) -> None:
    publisher.files.clear()
    local = tmp_path / "local"
    (local / "tiny").mkdir(parents=True)
    (local / "tiny" / "ratings.csv").write_text(CSV)
    assert len(load(tiny, tmp_path / "cache", local)) == 3


def test_an_incomplete_copy_is_refused(tiny: Source, publisher: Any, tmp_path: Path) -> None:
    publisher.files.clear()
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "ratings.csv").write_text("user_id,item_id\nu,a\n")
    with pytest.raises(DataError) as caught:
        load(tiny, tmp_path / "cache", tmp_path)
    message = caught.value.message
    assert message.count("answered 404") == 2
    assert "the local folder tiny: holds Size(n_events=1" in message


def test_half_a_cache_entry_is_replaced(tiny: Source, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "items.parquet").write_bytes(b"half")
    assert len(load(tiny, tmp_path)) == 3
    assert tiny.cached(tmp_path)


def test_an_altered_cache_entry_is_refused(tiny: Source, tmp_path: Path) -> None:
    load(tiny, tmp_path)
    (tmp_path / "tiny" / "interactions.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="is damaged"):
        load(tiny, tmp_path)


@pytest.mark.parametrize("name", names())
def test_every_public_set_says_what_it_is(name: str) -> None:
    found = source(name)
    assert found.name == name
    for text in (found.title, found.terms, found.citation):
        assert text.strip()
    assert found.homepage.startswith("https://")
    assert found.size is not None
    assert isinstance(found.origins[0], Publisher)
    assert isinstance(found.origins[-1], LocalFolder)


def test_an_unknown_set() -> None:
    with pytest.raises(DataError, match="'ml-10k'") as caught:
        source("ml-10k")
    assert "ml-100k" in str(caught.value.hint)
