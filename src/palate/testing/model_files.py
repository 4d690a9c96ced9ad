"""What every model passes: its files and its config."""

# ruff: noqa: D102 (the names of the tests say it)

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import pytest
from pydantic import ValidationError

from palate.data import Dataset
from palate.errors import BundleError, DataError, NotFittedError, PluginError
from palate.models.base import Recommender
from palate.plugins import model_class, model_names
from palate.testing.checkerboard import N_USERS, checkerboard, tiny

__all__ = ["AnyModel", "ModelFilesConformance"]

AnyModel: TypeAlias = Recommender[Any]


class ModelFilesConformance:
    """The part of `ModelConformance` about artefacts and configs.

    Attributes:
        model: Unfitted; its class and config are what is tested.
    """

    model: ClassVar[AnyModel]

    def fit(self, dataset: Dataset) -> AnyModel:
        """A new model of the same config, fitted."""
        return type(self.model)(self.model.config).fit(dataset)

    @pytest.fixture
    def board(self) -> Dataset:
        return checkerboard()

    @pytest.fixture
    def fitted(self, board: Dataset) -> AnyModel:
        return self.fit(board)

    def can(self, capability: str) -> bool:
        return capability in self.model.capabilities

    # ------------------------------------------------------------------ files

    def test_answers_the_same_after_save_and_load(
        self, board: Dataset, fitted: AnyModel, tmp_path: Path
    ) -> None:
        fitted.save(tmp_path / "model")
        loaded = type(self.model).load(tmp_path / "model")
        assert loaded.config == fitted.config
        assert loaded.vocabulary == fitted.vocabulary
        np.testing.assert_array_equal(loaded.popularity, fitted.popularity)
        np.testing.assert_array_equal(
            loaded.score_histories(board.histories), fitted.score_histories(board.histories)
        )
        users = board.user_vocabulary.ids
        with pytest.raises(NotFittedError, match="histories"):
            loaded.recommend(users)
        answer = loaded.with_histories(board).recommend(users)
        assert answer.equals(fitted.recommend(users))
        if self.can("similar_items"):
            alike = loaded.similar_items(["item-02"], 3)
            assert alike.equals(fitted.similar_items(["item-02"], 3))
        if self.can("explain"):
            assert loaded.explain(users[2], "item-02") == fitted.explain(users[2], "item-02")
        with pytest.raises(DataError, match="items"):
            loaded.with_histories(tiny([("u", "elsewhere", 1.0)]))

    def test_a_registered_model_is_loaded_without_its_class(
        self, fitted: AnyModel, tmp_path: Path
    ) -> None:
        fitted.save(tmp_path / "model")
        if fitted.name not in model_names():
            with pytest.raises(PluginError, match=fitted.name):
                Recommender[Any].load(tmp_path / "model")
            return
        loaded = Recommender[Any].load(tmp_path / "model")
        assert type(loaded) is model_class(fitted.name)

    def test_saves_the_same_bytes_twice(self, fitted: AnyModel, tmp_path: Path) -> None:
        fitted.save(tmp_path / "one")
        type(fitted).load(tmp_path / "one").save(tmp_path / "two")
        for path in (tmp_path / "one").iterdir():
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()

    def test_an_existing_model_is_not_overwritten(self, fitted: AnyModel, tmp_path: Path) -> None:
        fitted.save(tmp_path / "model")
        with pytest.raises(BundleError, match="already"):
            fitted.save(tmp_path / "model")

    def test_an_interrupted_fit_is_no_model(self, board: Dataset, tmp_path: Path) -> None:
        model = type(self.model)(self.model.config)
        told: list[str] = []

        def stop(_done: int, _total: int, what: str) -> None:
            told.append(what)
            raise KeyboardInterrupt

        try:
            model.fit(board, progress=stop)
        except KeyboardInterrupt:
            with pytest.raises(NotFittedError):
                model.save(tmp_path / "model")
            assert not (tmp_path / "model").exists()
        else:
            assert not told, "what stops a fit was swallowed"
            model.save(tmp_path / "model")  # too quick to tell of its progress

    def test_an_interrupted_save_is_no_model(
        self, fitted: AnyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def stop(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("palate.data.vocabulary.Vocabulary.save", stop)
        with pytest.raises(KeyboardInterrupt):
            fitted.save(tmp_path / "model")
        with pytest.raises(BundleError, match="holds no model"):
            type(fitted).load(tmp_path / "model")

    def test_the_files_know_no_user(self, fitted: AnyModel, tmp_path: Path) -> None:
        fitted.save(tmp_path / "model")
        for path in (tmp_path / "model").rglob("*"):
            content = path.read_bytes()
            assert b"person-" not in content
            if path.suffix != ".npz":
                continue
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                for name in arrays.files:
                    rows = set(arrays[name].shape) & {N_USERS, N_USERS + 1, N_USERS + 2}
                    assert not rows, f"{name} has a row for each user"

    def test_an_altered_artefact_is_refused(self, fitted: AnyModel, tmp_path: Path) -> None:
        fitted.save(tmp_path / "model")
        for path in sorted((tmp_path / "model").iterdir()):
            whole = path.read_bytes()
            middle = len(whole) // 2
            flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
            for damaged in (flipped, whole[:middle], b""):
                path.write_bytes(damaged)
                with pytest.raises(BundleError):
                    type(fitted).load(tmp_path / "model")
            path.unlink()
            with pytest.raises(BundleError):
                type(fitted).load(tmp_path / "model")
            path.write_bytes(whole)
        type(fitted).load(tmp_path / "model")

    @pytest.mark.parametrize(
        "change",
        [
            {"format": 0},
            {"model": "another"},
            {"config": {"no_such_setting": 1}},
            {"config": None},
            {"sha256": {}},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_another_version_is_refused(
        self, fitted: AnyModel, tmp_path: Path, change: dict[str, Any]
    ) -> None:
        fitted.save(tmp_path / "model")
        head = tmp_path / "model" / "model.json"
        head.write_text(json.dumps({**json.loads(head.read_text()), **change}))
        with pytest.raises(BundleError):
            type(fitted).load(tmp_path / "model")

    # ------------------------------------------------------------------ config

    def test_the_config_is_frozen_and_closed(self) -> None:
        config = type(self.model).Config()
        with pytest.raises(ValidationError):
            type(config).model_validate({"no_such_setting": 1})
        for name in type(config).model_fields:
            with pytest.raises(ValidationError):
                setattr(config, name, None)
            assert type(config).model_fields[name].description, f"{name} is not described"

    def test_the_space_is_of_possible_configs(self) -> None:
        cls = type(self.model).Config
        rng = np.random.default_rng(0)
        assert set(cls.space) <= set(cls.model_fields)
        for _ in range(20):
            cls.model_validate({name: dim.sample(rng) for name, dim in cls.space.items()})
