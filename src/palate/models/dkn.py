r"""DKN: news recommended by their words and by what is known of whom they mention.

    x_t = [w_t; g(e_t); g(c_t)]   at each place t of a title: word, entity, entity's context
    e(news) = max over t of  max(0, filter . x_{t..t+l-1})       filters of several spans l
    a_k = softmax over k of  A(e(news), e(clicked_k))            the user's clicked news
    score = H(e(news), sum_k a_k e(clicked_k))

with g(v) = tanh(M v + b), the context c the mean vector of an entity's neighbours in a graph
of facts, and A, H a small layer each. Vectors of entities are given or learned by TransE;
those of words come with WordLlama, or are learned.

Source: Wang, Zhang, Xie and Guo 2018, "DKN: Deep knowledge-aware network for news
recommendation", WWW, section 4. Different here: A and H add the inner product of their two
vectors, divided by sqrt(width), to the layer; the loss is cross entropy of the clicked one
among those shown beside it (Wu et al. 2019, "NRMS", EMNLP, section 2.3) instead of log loss.

News is answered by what it says: whether anybody has clicked it does not matter. `with_items`
takes news that came after training.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field

from palate._optional import require
from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.models.base import Recommender
from palate.models.config import Choice, Dimension, Range
from palate.models.deep import DeepConfig, alike
from palate.models.impressions import Impressions
from palate.models.kernels.dkn import attend, dkn_scores
from palate.models.knowledge import Knowledge, read_facts, read_vectors
from palate.models.mentions import Mentions
from palate.models.newest import newest_liked
from palate.models.news_items import NewsItems
from palate.models.runtime.convolution import convolution_layer, convolve_max
from palate.models.runtime.dense import dense
from palate.models.transe import TransEConfig
from palate.models.words import has_word_vectors, word_vectors
from palate.types import Float32Array, FloatArray, Int32Array, Progress

__all__ = ["DKN", "DKNConfig"]

NEWS_AT_ONCE = 256
CHANNELS = ("words", "entities", "context")


class DKNConfig(DeepConfig):
    """DKN's hyperparameters."""

    batch_size: int = Field(default=64, ge=1, description="Clicks a step.")
    title: str = Field(default="title", description="Item attribute, text.")
    entities: str = Field(
        default="entities",
        description="Item attribute, lists of an entity's id, or id:name as the title has it; "
        "where the items have no such one, titles are words alone.",
    )
    categories: tuple[str, ...] = Field(
        default=(), description="Item attributes whose values stand before the title as words."
    )
    channels: Literal["words", "entities", "context"] = Field(
        default="context",
        description="What a place has: the word; entities: that and the entity; context: these "
        "and what stands beside the entity in the facts.",
    )
    word_vectors: Literal["given", "learned", "auto"] = Field(
        default="auto",
        description="given: WordLlama's (palate[text]); learned: from the clicks; auto: given "
        "where it is installed.",
    )
    min_items: int = Field(
        default=2, ge=1, description="Items that a word needs, if its vector is learned."
    )
    facts: Path | None = Field(
        default=None,
        description="File of head, relation, tail (Parquet, CSV, TSV). Without it, and without "
        "vectors: what the items say of entities (their categories, who stands beside whom).",
    )
    vectors: Path | None = Field(
        default=None, description="File of entities' vectors (an id and numbers, tabs between)."
    )
    transe: TransEConfig = Field(
        default=TransEConfig(), description="How vectors are learned where none are given."
    )
    d: int = Field(default=32, ge=1, le=1024, description="d, width of words and of g.")
    length: int = Field(default=20, ge=1, le=512, description="n, places of a title.")
    filters: int = Field(default=32, ge=1, le=1024, description="m, filters of each span.")
    spans: tuple[int, ...] = Field(
        default=(1, 2, 3), min_length=1, description="l, places that a filter sees."
    )
    hidden: int = Field(default=32, ge=1, le=1024, description="Width of A's and H's layer.")
    T: int = Field(default=30, ge=1, le=1000, description="Newest clicks that are looked at.")
    negatives: int = Field(
        default=4, ge=1, le=100, description="News left alone that a click is compared with."
    )
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Of what the filters see.")

    space: ClassVar[dict[str, Dimension]] = {
        "d": Choice((16, 32, 64)),
        "filters": Choice((32, 64, 128)),
        "T": Choice((20, 30, 50)),
        "dropout": Range(0.0, 0.5),
        "learning_rate": Range(3e-4, 3e-3, log=True),
        "channels": Choice(CHANNELS),
    }

    @property
    def width(self) -> int:
        """Of a news item's vector."""
        return self.filters * len(self.spans)

    def model_post_init(self, context: object, /) -> None:
        """Check what hangs together.

        Raises:
            ValueError: A filter sees less than one place, or more than a title has.
        """
        if min(self.spans) < 1 or max(self.spans) > self.length:
            raise ValueError(f"spans {self.spans} are not within the {self.length} places")


class DKN(Recommender[DKNConfig]):
    """What news say, by words and entities, beside what the user clicked.

    Args:
        config: Hyperparameters.
        knowledge: Of entities, in place of what the config names.
    """

    name = "dkn"
    Config = DKNConfig
    capabilities = frozenset({"similar_items", "explain", "cold_items"})
    parallel = True

    _learned: dict[str, np.ndarray]
    _words: pl.Series  # by row of words.table, less one
    _entities: pl.Series
    _vectors: Float32Array  # (n_items, width)

    def __init__(
        self, config: DKNConfig | None = None, *, knowledge: Knowledge | None = None
    ) -> None:
        super().__init__(config)
        self._knowledge = knowledge

    # ------------------------------------------------------------------ fit

    def _fit(self, dataset: Dataset, progress: Progress | None) -> None:
        require("torch", extra="train")
        from palate.models.nets.dkn_fit import learn

        config = self.config
        items = self._news(dataset)
        given: dict[str, Float32Array] = {}
        pretrained = config.word_vectors == "given" or (
            config.word_vectors == "auto" and has_word_vectors()
        )
        words = items.words(at_least=1 if pretrained else config.min_items)
        if pretrained:
            given["words"] = _after_none(word_vectors(words.to_list()))
        entity_ids = pl.Series([], dtype=pl.String)
        if config.channels != "words" and items.entities.list.len().sum():
            known = self._known(items, dataset)
            entity_ids = known.ids
            given["entities"] = _after_none(known.vectors)
            if config.channels == "context":
                given["context"] = _after_none(known.context)
        self._words, self._entities = words, entity_ids
        mentions = self._mentions(items)
        cases = Impressions.of(dataset.histories, config.T)
        self._set_layers(learn(cases, mentions, len(words), given, config, progress))
        self._set_vectors(self._encoded(mentions))

    def _known(self, items: NewsItems, dataset: Dataset) -> Knowledge:
        """What is known of entities: given, read, or learned from facts."""
        if self._knowledge is not None:
            return self._knowledge
        config = self.config
        facts = None if config.facts is None else read_facts(config.facts)
        if config.vectors is not None:
            return Knowledge.of_vectors(*read_vectors(config.vectors), facts)
        if facts is None:
            facts = items.facts(dataset)
        return Knowledge.of_facts(facts, config.transe)

    def _news(self, dataset: Dataset) -> NewsItems:
        config = self.config
        return NewsItems.of(
            dataset, title=config.title, entities=config.entities, categories=config.categories
        )

    def _mentions(self, items: NewsItems) -> Mentions:
        return Mentions.of(
            items.titles.to_list(),
            items.entities.to_list(),
            words=self._words,
            entity_ids=self._entities,
            length=self.config.length,
        )

    # ------------------------------------------------------------------ news

    def with_items(self, dataset: Dataset) -> Self:
        """Know the news of `dataset` from now on, and take its histories; nothing is learned.

        A word or an entity that training did not have says nothing.

        Args:
            dataset: Items with the attributes that the model was trained on.
        """
        vocabulary, counts = self.vocabulary, self.popularity
        vectors = self._encoded(self._mentions(self._news(dataset)))
        rows = vocabulary.rows(dataset.item_vocabulary.series)
        self._popularity = np.where(rows >= 0, counts[rows], 0).astype(np.float32)
        self._vocabulary, self._dataset = dataset.item_vocabulary, dataset
        self._set_vectors(vectors)
        return self

    def _encoded(self, mentions: Mentions) -> Float32Array:
        """(n, width) float32 vectors of news."""
        out = np.empty((len(mentions.words), self.config.width), np.float32)
        tables = [(mentions.words, self._learned["words.table"])]
        for name in CHANNELS[1:]:
            if f"{name}.table" in self._learned:
                tables.append((mentions.entities, self._learned[f"{name}.table"]))
        for start in range(0, len(out), NEWS_AT_ONCE):
            some = slice(start, start + NEWS_AT_ONCE)
            places = np.concatenate([table[rows[some]] for rows, table in tables], axis=2)
            out[some] = convolve_max(places, self._convolutions)
        return out

    # ------------------------------------------------------------------ answers

    def score_histories(self, histories: Histories) -> FloatArray:
        """(n, n_items) float32; 0 throughout where a history holds nothing liked."""
        clicked, lengths = newest_liked(histories, self.config.T)
        out = np.zeros((histories.n_users, len(self._vectors)), np.float32)
        for user in np.flatnonzero(lengths):
            rows = clicked[user, -lengths[user] :]
            products = dense(self._vectors, self._vectors[rows])  # (n_items, T)
            halves = tuple(half[rows] for half in self._clicked_halves)
            dkn_scores(products, self._item_halves, halves, self._outs, self._scale, out[user])
        return out

    def _contributions(self, history: Histories, item: int) -> FloatArray:
        """What attention looks at: a_k for the newest clicks, 0 for other entries."""
        found = np.zeros(len(history), np.float32)
        liked = np.flatnonzero(history.values > 0)[-self.config.T :]
        if len(liked):
            rows = history.items[liked]
            products = dense(self._vectors[[item]], self._vectors[rows])[0]
            weights = np.empty(len(rows), np.float32)
            of_item, of_clicked = self._item_halves[0][item], self._clicked_halves[0][rows]
            attend(products, of_item, of_clicked, self._outs[0], self._scale, weights)
            found[liked] = weights
        return found

    def _similar_rows(self, items: Int32Array) -> FloatArray:
        return alike(self._vectors, items)

    # ------------------------------------------------------------------ what was learned

    def _set_layers(self, learned: dict[str, np.ndarray]) -> None:
        """Take what `learn` gave.

        Raises:
            KeyError: An array is missing.
            ValueError: They are of another config.
        """
        config = self.config
        wanted: dict[str, tuple[int, ...]] = {
            "words.table": (config.d,),
            "attention.out.weight": (config.hidden,),
            "prediction.clicked.weight": (config.width,),
        }
        for at, span in enumerate(config.spans):
            channels = config.d * (1 + sum(f"{name}.table" in learned for name in CHANNELS[1:]))
            wanted[f"convolutions.{at}.weight"] = (channels, span)
        for name, shape in wanted.items():
            if learned[name].shape[1:] != shape:
                raise ValueError(f"{name} is {learned[name].shape}, not (..., {shape})")
        self._learned = learned
        self._scale = np.float32(self.config.width**-0.5)
        self._convolutions = [
            convolution_layer(
                learned[f"convolutions.{at}.weight"], learned[f"convolutions.{at}.bias"]
            )
            for at in range(len(self.config.spans))
        ]
        self._outs = (learned["attention.out.weight"][0], learned["prediction.out.weight"][0])

    def _set_vectors(self, vectors: Float32Array) -> None:
        """Take vectors of news, with their halves of both hidden layers."""
        self._vectors = vectors
        learned = self._learned
        self._item_halves = (
            dense(vectors, learned["attention.item.weight"], learned["attention.item.bias"]),
            dense(vectors, learned["prediction.item.weight"], learned["prediction.item.bias"]),
        )
        self._clicked_halves = (
            dense(vectors, learned["attention.clicked.weight"]),
            dense(vectors, learned["prediction.clicked.weight"]),
        )

    def _state(self) -> dict[str, np.ndarray]:
        return {
            **self._learned,
            "words.ids": np.array(self._words.to_list(), np.str_),
            "entities.ids": np.array(self._entities.to_list(), np.str_),
            "news.vectors": self._vectors,
        }

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        self._words = pl.Series(state.pop("words.ids").tolist(), dtype=pl.String)
        self._entities = pl.Series(state.pop("entities.ids").tolist(), dtype=pl.String)
        vectors = state.pop("news.vectors")
        self._set_layers(state)
        self._set_vectors(vectors)


def _after_none(vectors: Float32Array) -> Float32Array:
    """Row 0 is for none."""
    none = np.zeros((1, vectors.shape[1]), np.float32)
    return np.concatenate((none, vectors)).astype(np.float32)
