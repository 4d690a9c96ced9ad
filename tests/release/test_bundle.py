"""A bundle: what was written is read, and whatever was changed since is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from palate.data.dataset import Dataset
from palate.errors import BundleError
from palate.models.base import Recommender
from palate.release.bundle import digest_of, open_bundle, verify_bundle, write_bundle
from palate.release.manifest import describe

MakeModel = Callable[..., Recommender[Any]]


@pytest.fixture
def bundle(tmp_path: Path, make_model: MakeModel, dataset: Dataset) -> Path:
    model = make_model()
    write_bundle(tmp_path / "bundle", model, describe(model, dataset, name="movies"))
    return tmp_path / "bundle"


def sign_again(bundle: Path) -> None:
    """What a forger would do: make the manifest's own checksum agree."""
    digest = hashlib.sha256((bundle / "manifest.json").read_bytes()).hexdigest()
    (bundle / "manifest.json.sha256").write_text(f"{digest}  manifest.json\n")


def change_manifest(bundle: Path, **changes: object) -> None:
    raw = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**raw, **changes}))
    sign_again(bundle)


def add_to_manifest(bundle: Path, inside: str) -> None:
    raw = json.loads((bundle / "manifest.json").read_text())
    content = (bundle / inside).read_bytes()
    raw["files"][inside] = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
    }
    change_manifest(bundle, files=raw["files"])


def test_the_model_comes_back_with_its_manifest(
    bundle: Path, make_model: MakeModel, dataset: Dataset
) -> None:
    loaded = open_bundle(bundle, digest=digest_of(bundle))
    assert loaded.ref == "movies:1"
    assert sorted(loaded.manifest.files) == [
        "model/items.npz",
        "model/model.json",
        "model/state.npz",
    ]
    before = make_model().recommend(["bert@example.org"], 3)
    after = loaded.model.with_histories(dataset).recommend(["bert@example.org"], 3)
    assert after.equals(before)
    assert loaded.model.popularity.tolist() == [1.0, 1.0, 1.0]


def test_no_user_is_named_in_any_file(bundle: Path) -> None:
    text = b"".join(path.read_bytes() for path in bundle.rglob("*") if path.is_file())
    assert b"example.org" not in text


@pytest.mark.parametrize(
    "inside", ["model/items.npz", "model/model.json", "model/state.npz", "manifest.json"]
)
def test_a_changed_byte_is_refused_by_checksum(bundle: Path, inside: str) -> None:
    raw = bytearray((bundle / inside).read_bytes())
    raw[len(raw) // 2] ^= 1
    (bundle / inside).write_bytes(raw)
    with pytest.raises(BundleError, match=inside) as raised:
        open_bundle(bundle)
    assert "altered" in raised.value.message


@pytest.mark.parametrize("kept", [0, 1, 50])
@pytest.mark.parametrize("inside", ["model/state.npz", "model/model.json"])
def test_a_truncated_file_is_refused(bundle: Path, inside: str, kept: int) -> None:
    (bundle / inside).write_bytes((bundle / inside).read_bytes()[:kept])
    with pytest.raises(BundleError, match=rf"{inside} has {kept} bytes"):
        open_bundle(bundle)


@pytest.mark.parametrize("inside", ["manifest.json", "manifest.json.sha256"])
def test_a_truncated_manifest_is_refused(bundle: Path, inside: str) -> None:
    (bundle / inside).write_bytes((bundle / inside).read_bytes()[:20])
    with pytest.raises(BundleError, match=r"manifest\.json was altered"):
        open_bundle(bundle)


@pytest.mark.parametrize("inside", ["model/items.npz", "model/state.npz"])
def test_a_missing_file_is_refused(bundle: Path, inside: str) -> None:
    (bundle / inside).unlink()
    with pytest.raises(BundleError, match=f"lacks {inside}"):
        open_bundle(bundle)


@pytest.mark.parametrize("inside", ["manifest.json", "manifest.json.sha256"])
def test_a_bundle_without_manifest_is_refused(bundle: Path, inside: str) -> None:
    (bundle / inside).unlink()
    with pytest.raises(BundleError, match="is not a bundle"):
        open_bundle(bundle)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such folder"):
        open_bundle(tmp_path / "nowhere")


def test_an_extra_file_is_refused(bundle: Path) -> None:
    (bundle / "model" / "extra.npz").write_bytes(b"")
    with pytest.raises(BundleError, match=r"model/extra\.npz, which its manifest does not name"):
        open_bundle(bundle)


@pytest.mark.parametrize("inside", ["model/state.npz", "manifest.json"])
def test_a_link_is_refused_even_to_the_right_bytes(bundle: Path, inside: str) -> None:
    elsewhere = bundle.parent / "elsewhere"
    (bundle / inside).rename(elsewhere)
    (bundle / inside).symlink_to(elsewhere)
    with pytest.raises(BundleError, match=f"{inside} .* is a link"):
        open_bundle(bundle)


def test_a_linked_folder_is_refused(bundle: Path) -> None:
    (bundle / "model").rename(bundle.parent / "model")
    (bundle / "model").symlink_to(bundle.parent / "model")
    with pytest.raises(BundleError, match="is a link"):
        open_bundle(bundle)


def test_a_forged_bundle_is_refused_by_the_digest_on_record(bundle: Path) -> None:
    on_record = digest_of(bundle)
    (bundle / "model" / "model.json").write_text("{}")
    add_to_manifest(bundle, "model/model.json")
    with pytest.raises(BundleError, match=r"manifest\.json was altered"):
        open_bundle(bundle, digest=on_record)


def test_another_format_is_refused_before_anything_else_is_read(bundle: Path) -> None:
    change_manifest(bundle, format=2, added_in_format_2=True)
    with pytest.raises(BundleError, match="format 2; this Palate reads 1"):
        open_bundle(bundle)


@pytest.mark.parametrize("changes", [{"version": 0}, {"files": None}, {"unknown": 1}])
def test_a_manifest_with_impossible_values_is_refused(
    bundle: Path, changes: dict[str, object]
) -> None:
    change_manifest(bundle, **changes)
    with pytest.raises(BundleError, match="is not a manifest"):
        open_bundle(bundle)


def test_a_manifest_that_is_not_json_is_refused(bundle: Path) -> None:
    (bundle / "manifest.json").write_text("[]")
    sign_again(bundle)
    with pytest.raises(BundleError, match="is not a manifest"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("extra.pkl", b"\x80\x04."),
        ("weights.pt", b"PK\x03\x04"),
        # TensorProto with external_data: location = ../../../etc/passwd
        ("net.onnx", b"\x3a\x25\x2a\x23\x6a\x1f\n\x08location\x12\x13../../../etc/passwd\x70\x01"),
        ("net.ONNX", b""),
    ],
)
def test_t16_what_runs_code_or_reads_other_files_is_refused_even_where_the_manifest_names_it(
    bundle: Path, name: str, content: bytes
) -> None:
    (bundle / "model" / name).write_bytes(content)
    add_to_manifest(bundle, f"model/{name}")
    with pytest.raises(BundleError, match=rf"model/{name} is of a kind"):
        open_bundle(bundle)


@pytest.mark.parametrize("name", ["objects.npz", "objects.npy"])
def test_arrays_of_python_objects_are_refused(bundle: Path, name: str) -> None:
    objects = np.array([{"any": "thing"}], dtype=object)
    path = bundle / "model" / name
    if name.endswith(".npz"):
        np.savez(path, objects=objects)
    else:
        np.save(path, objects, allow_pickle=True)
    add_to_manifest(bundle, f"model/{name}")
    with pytest.raises(BundleError, match=rf"model/{name}.* would need pickle"):
        open_bundle(bundle)


def test_an_array_file_that_is_none_is_refused(bundle: Path) -> None:
    (bundle / "model" / "state.npz").write_bytes(b"not a zip")
    add_to_manifest(bundle, "model/state.npz")
    with pytest.raises(BundleError, match=r"model/state\.npz is not an array file"):
        open_bundle(bundle)


def test_a_manifest_about_another_model_is_refused(bundle: Path) -> None:
    change_manifest(bundle, model="sar")
    with pytest.raises(BundleError, match="says sar, but holds a fixed"):
        open_bundle(bundle)


def test_a_folder_with_files_is_not_written_into(
    bundle: Path, make_model: MakeModel, dataset: Dataset
) -> None:
    before = digest_of(bundle)
    model = make_model()
    with pytest.raises(BundleError, match="not empty"):
        write_bundle(bundle, model, describe(model, dataset, name="other"))
    assert digest_of(bundle) == before


def test_verifying_does_not_load_the_model(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recommender, "load", None)
    assert verify_bundle(bundle).ref == "movies:1"
