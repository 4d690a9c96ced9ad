"""DKN: whom news mention decides, what it scores without torch is torch's, bad input is borne."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from palate.config import Attribute, Schema
from palate.data import Dataset, Histories
from palate.data.generated.news import GeneratedNews, generate_news
from palate.errors import BundleError, DataError
from palate.metrics.auc import auc
from palate.models.artefact import config_checksum
from palate.models.dkn import DKN, DKNConfig
from palate.models.knowledge import Knowledge
from palate.models.transe import TransEConfig
from palate.models.words import has_word_vectors
from palate.testing.checkerboard import checkerboard
from palate.testing.model_files import AnyModel
from palate.testing.models import ModelConformance
from palate.testing.rows import history
from palate.types import AttributeKind

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = DKNConfig(
    epochs=8, batch_size=32, learning_rate=0.01, d=8, filters=6, spans=(1, 2), hidden=8,
    length=6, T=8, negatives=2, dropout=0.0, validation=0, word_vectors="learned", min_items=1,
)  # fmt: skip


@cache
def on_the_board(config: DKNConfig) -> DKN:
    return DKN(config).fit(checkerboard())


class DKNConformance(ModelConformance):
    @pytest.fixture
    def fitted(self) -> AnyModel:
        """Fitted once for all tests: none of them changes it."""
        return on_the_board(self.model.config)


class TestDKN(DKNConformance):
    model = DKN(QUICK)


@pytest.mark.skipif(not has_word_vectors(), reason="wordllama is not installed")
class TestDKNGivenWords(DKNConformance):
    model = DKN(
        QUICK.model_copy(
            update={"word_vectors": "given", "categories": ("kind",), "validation": 0.1}
        )
    )


@pytest.fixture(scope="module")
def news() -> GeneratedNews:
    return generate_news(n_users=100, n_items=400, impressions=8)


def knowledge(news: GeneratedNews) -> Knowledge:
    return Knowledge.of_facts(news.facts, TransEConfig(k=16))


@pytest.fixture(scope="module")
def fitted(news: GeneratedNews) -> DKN:
    config = QUICK.model_copy(update={"length": 10, "epochs": 3, "T": 20, "filters": 8})
    return DKN(config, knowledge=knowledge(news)).fit(news.dataset)


def test_clicks_follow_entities(news: GeneratedNews, fitted: DKN) -> None:
    assert auc(news.test["clicked"], fitted.score(news.test)) > 0.8


def test_without_entities_there_is_nothing_to_learn(news: GeneratedNews, fitted: DKN) -> None:
    config = fitted.config.model_copy(update={"channels": "words"})
    blind = DKN(config, knowledge=knowledge(news)).fit(news.dataset)
    assert 0.45 < auc(news.test["clicked"], blind.score(news.test)) < 0.55


def test_reasons_are_news_of_the_same_field(news: GeneratedNews, fitted: DKN) -> None:
    shares = [
        reason.share
        for user in news.test["user_id"].unique(maintain_order=True).to_list()[:5]
        for reason in fitted.explain(user, news.dataset.items["item_id"][0], k=100)
    ]
    assert sum(shares) == pytest.approx(5.0, abs=1e-4)


def test_equals_torch(fitted: DKN) -> None:
    from palate.models.nets.dkn import DKNNet, Tables

    config = fitted.config
    rng = np.random.default_rng(0)
    given = [torch.from_numpy(rng.normal(size=(9, 5)).astype(np.float32)) for _ in range(3)]
    for table in given:
        table[0] = 0.0
    given[1][4] = 0.0  # an entity without a vector
    torch.manual_seed(0)
    net = DKNNet(Tables(8, *given), config).eval()
    for weights in net.parameters():
        torch.nn.init.normal_(weights, std=0.5)
    words = rng.integers(0, 9, (12, config.length)).astype(np.int32)
    entities = rng.integers(0, 9, (12, config.length)).astype(np.int32)
    from palate.models.mentions import Mentions
    from palate.models.nets.dkn_fit import arrays

    model = DKN(config)
    model._set_layers(arrays(net))
    model._set_vectors(model._encoded(Mentions(words, entities)))
    clicked = [3, 7, 7, 1]
    with torch.no_grad():
        vectors = net.vectors(torch.from_numpy(words).long(), torch.from_numpy(entities).long())
        known = torch.ones(1, len(clicked), dtype=torch.bool)
        scores = net.scores(vectors[None], vectors[clicked][None], known)[0]
    np.testing.assert_allclose(model._vectors, vectors.numpy(), atol=1e-4)
    got = model.score_histories(history(clicked, 12))[0]
    np.testing.assert_allclose(got, scores.numpy(), atol=1e-4, rtol=1e-5)


def test_what_fills_a_history_up_is_not_looked_at() -> None:
    from palate.models.nets.dkn import DKNNet, Tables

    net = DKNNet(Tables(8, None, None, None), QUICK).eval()
    words = torch.randint(0, 9, (5, QUICK.length))
    candidates = torch.tensor([[0, 1], [2, 3]])
    short, long = torch.tensor([[4], [4]]), torch.tensor([[-1, -1, 4], [-1, -1, 4]])
    with torch.no_grad():
        np.testing.assert_allclose(
            net(candidates, short, words, words), net(candidates, long, words, words), atol=1e-6
        )


def test_a_history_is_answered_alone_as_among_others(fitted: DKN) -> None:
    n = len(fitted.vocabulary)
    asked = [[1], [5, 6, 7], [5, 6, 7], list(range(50))]
    together = Histories(
        np.cumsum([0, *map(len, asked)]).astype(np.int64),
        np.concatenate(asked).astype(np.int32),
        np.ones(57, np.float32),
        np.full(57, -1, np.int64),
        n,
    )
    for row, one in zip(fitted.score_histories(together), asked, strict=True):
        np.testing.assert_array_equal(row, fitted.score_histories(history(one, n))[0])
    newest = fitted.score_histories(history(list(range(30, 50)), n))
    np.testing.assert_array_equal(fitted.score_histories(history(asked[3], n)), newest)


def described(items: dict[str, list[object]], clicks: list[tuple[str, str]]) -> Dataset:
    """Items with a title and entities, clicked in order."""
    users, clicked = zip(*clicks, strict=True)
    return Dataset.from_frames(
        pl.DataFrame({"user_id": users, "item_id": clicked, "timestamp": range(len(clicks))}),
        items=pl.DataFrame(items, schema_overrides={"entities": pl.List(pl.String)}),
        schema=Schema(
            items={
                "title": Attribute(kind=AttributeKind.TEXT),
                "kind": Attribute(kind=AttributeKind.CATEGORY),
                "entities": Attribute(kind=AttributeKind.CATEGORIES),
            }
        ),
    )


CLICKS = [("u", "a"), ("v", "c"), ("u", "b"), ("v", "d"), ("w", "a"), ("w", "b"), ("w", "c")]


def test_empty_text_an_entity_without_a_vector_an_unseen_category() -> None:
    items: dict[str, list[object]] = {
        "item_id": ["a", "b", "c", "d"],
        "title": ["Paris at night", "", None, "!!!"],
        "kind": ["city", None, "city", "unseen elsewhere"],
        "entities": [["Q90:Paris"], ["Q1"], None, []],
    }
    facts = pl.DataFrame({"head": ["Q90"], "relation": ["in"], "tail": ["Q142"]})
    known = Knowledge.of_facts(facts, TransEConfig(k=4))
    config = QUICK.model_copy(update={"categories": ("kind",), "min_items": 2})
    for model in (DKN(config, knowledge=known), DKN(config)):
        scores = model.fit(described(items, CLICKS)).score_histories(history([0, 1], 4))
        assert np.isfinite(scores).all()
        assert model.recommend(["u"], 2).height == 2


def test_news_that_came_after_training(fitted: DKN, news: GeneratedNews, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    model = DKN.load(tmp_path / "model")
    some = news.dataset.items["item_id"][-5:]
    later = Dataset.from_canonical(
        news.dataset.interactions,
        items=pl.concat(
            [
                news.dataset.items,
                news.dataset.items.tail(5).with_columns(
                    item_id=pl.Series([f"x{i}" for i in "abcde"])
                ),
            ]
        ),
        users=news.dataset.users,
        schema=news.dataset.schema,
    )
    model.with_items(later)
    user = news.test["user_id"][0]
    pairs = pl.DataFrame({"user_id": [user] * 5, "item_id": [f"x{i}" for i in "abcde"]})
    same = pl.DataFrame({"user_id": [user] * 5, "item_id": some})
    np.testing.assert_array_equal(model.score(pairs), fitted.score(same))
    before = fitted.popularity[fitted.vocabulary.row("n001")]
    assert model.popularity[model.vocabulary.row("n001")] == before
    assert model.popularity[model.vocabulary.row("xa")] == 0


def test_unknown_words_and_entities_of_later_news_say_nothing(fitted: DKN) -> None:
    items: dict[str, list[object]] = {
        "item_id": ["a", "b"],
        "title": ["Zyzzyva qwxz", ""],
        "kind": ["k", "k"],
        "entities": [["nobody"], None],
    }
    model = DKN(fitted.config)
    model._restore(fitted._state())
    model._vocabulary, model._popularity = fitted.vocabulary, fitted.popularity
    model.with_items(described(items, [("u", "a"), ("u", "b")]))
    np.testing.assert_array_equal(model._vectors[0], model._vectors[1])


def test_attributes_that_are_missing_or_no_lists() -> None:
    board = checkerboard()
    with pytest.raises(DataError, match="no attribute 'headline'"):
        DKN(QUICK.model_copy(update={"title": "headline"})).fit(board)
    with pytest.raises(DataError, match="no attribute 'section'"):
        DKN(QUICK.model_copy(update={"categories": ("section",)})).fit(board)
    with pytest.raises(DataError, match="holds no lists"):
        DKN(QUICK.model_copy(update={"entities": "kind"})).fit(board)


def test_filters_fit_into_a_title() -> None:
    with pytest.raises(ValueError, match="not within the 3 places"):
        DKNConfig(length=3, spans=(1, 4))


def test_scores_where_torch_is_not_installed(
    fitted: DKN, news: GeneratedNews, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "model")
    news.dataset.save(tmp_path / "data")
    code = """
import sys
from pathlib import Path
import numpy as np
sys.modules["torch"] = None
from palate.data import Dataset
from palate.models.dkn import DKN
data = Dataset.load(Path("data"))
model = DKN.load(Path("model")).with_items(data)
np.save("scores.npy", model.score_histories(data.histories.slice(0, 3)))
print(model.recommend([data.user_vocabulary.id(0)], 4).height)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "4"
    np.testing.assert_array_equal(
        np.load(tmp_path / "scores.npy"),
        fitted.score_histories(news.dataset.histories.slice(0, 3)),
    )


@pytest.mark.parametrize(
    "change", [{"d": 24}, {"filters": 5}, {"spans": [1, 2, 3]}, {"spans": [1, 3]}, {"hidden": 9}]
)
def test_arrays_of_another_config_are_refused(
    fitted: DKN, tmp_path: Path, change: dict[str, object]
) -> None:
    fitted.save(tmp_path / "model")
    head = tmp_path / "model" / "model.json"
    told = json.loads(head.read_text())
    config = {**told["config"], **change}
    said = {"config": config, "config_sha256": config_checksum(config)}
    head.write_text(json.dumps({**told, **said}))
    with pytest.raises(BundleError, match="another version"):
        DKN.load(tmp_path / "model")
