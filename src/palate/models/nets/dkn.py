"""DKN's net, for learning: titles through three channels and a CNN, attention over clicks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from palate.models.dkn import DKNConfig

__all__ = ["DKNNet", "Tables", "right_one_loss"]

INITIAL_STD = 0.1  # of words that have no vectors


@dataclass(frozen=True, slots=True)
class Tables:
    """What is known before learning; row 0 of each is 0, for none.

    Attributes:
        n_words: Words, without row 0.
        words: (1 + n_words, w) float32 vectors, or None: they are learned.
        entities: (1 + n_entities, k) float32, or None for no such channel.
        context: Likewise.
    """

    n_words: int
    words: Tensor | None
    entities: Tensor | None
    context: Tensor | None


class Pair(nn.Module):
    """out . max(0, A left + B right + b): a layer over two vectors side by side."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.item = nn.Linear(width, hidden)
        self.clicked = nn.Linear(width, hidden, bias=False)
        self.out = nn.Linear(hidden, 1, bias=False)

    def forward(self, item: Tensor, clicked: Tensor) -> Tensor:
        """(..., width) twice, of shapes that broadcast, to (...)."""
        hidden = functional.relu(self.item(item) + self.clicked(clicked))
        answer: Tensor = self.out(hidden)[..., 0]
        return answer


class DKNNet(nn.Module):
    """Three channels, filters of several spans, two small layers.

    Args:
        tables: Vectors given.
        config: Widths and rates.
    """

    def __init__(self, tables: Tables, config: DKNConfig) -> None:
        super().__init__()
        d = config.d
        self.given: dict[str, Tensor] = {}
        if tables.words is None:
            self.words: nn.Module = nn.Embedding(1 + tables.n_words, d, padding_idx=0)
            with torch.no_grad():
                nn.init.normal_(self.words.weight[1:], std=INITIAL_STD)
        else:
            self.given["words"] = tables.words
            self.words = nn.Linear(tables.words.shape[1], d, bias=False)
        for name, table in (("entities", tables.entities), ("context", tables.context)):
            if table is not None:
                self.given[name] = table
        width = next((t.shape[1] for n, t in self.given.items() if n != "words"), 0)
        self.transform = nn.Linear(width, d) if width else None  # g of the paper
        channels = d * (1 + len(self.given.keys() - {"words"}))
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels, config.filters, span) for span in config.spans
        )
        self.attention = Pair(config.width, config.hidden)
        self.prediction = Pair(config.width, config.hidden)
        self.scale = config.width**-0.5
        self.dropout = nn.Dropout(config.dropout)

    def word_rows(self, rows: Tensor) -> Tensor:
        """(n, d) of the words in `rows`, 0 for row 0."""
        found: Tensor = self.words(self.given["words"][rows] if "words" in self.given else rows)
        return found

    def entity_rows(self, name: str, rows: Tensor) -> Tensor:
        """(n, d): g of the vectors in channel `name`; 0 for an entity without one."""
        assert self.transform is not None
        given = self.given[name][rows]
        known = (given != 0).any(1, keepdim=True)
        moved: Tensor = torch.tanh(self.transform(given)) * known
        return moved

    def vectors(self, words: Tensor, entities: Tensor) -> Tensor:
        """(n, length) int64 rows of words and of entities to (n, width) news vectors."""
        channels = [self._used(words, self.word_rows)]
        for name in ("entities", "context"):
            if name in self.given:
                channels.append(self._used(entities, partial(self.entity_rows, name)))
        x = self.dropout(torch.cat(channels, 2)).transpose(1, 2)
        found = [functional.relu(one(x)).amax(2) for one in self.convolutions]
        return torch.cat(found, 1)

    @staticmethod
    def _used(rows: Tensor, made: Callable[[Tensor], Tensor]) -> Tensor:
        """(n, length, d): each row that occurs is made once."""
        distinct, where = torch.unique(rows, return_inverse=True)
        return made(distinct)[where]

    def scores(self, candidates: Tensor, clicked: Tensor, known: Tensor) -> Tensor:
        """How likely the next click is.

        Args:
            candidates: (n, m, width) news vectors.
            clicked: (n, T, width) those of the history.
            known: (n, T) bool, False where the history has no such place; one at least True.

        Returns:
            (n, m).
        """
        products = candidates @ clicked.transpose(1, 2) * self.scale  # (n, m, T)
        pull = self.attention(candidates[:, :, None], clicked[:, None]) + products
        weights = pull.masked_fill(~known[:, None], float("-inf")).softmax(2)
        user = weights @ clicked  # (n, m, width), another for every candidate
        answer: Tensor = self.prediction(candidates, user) + (weights * products).sum(2)
        return answer

    def forward(
        self, candidates: Tensor, history: Tensor, words: Tensor, entities: Tensor
    ) -> Tensor:
        """(n, m) scores; candidates and history are rows of `words`, -1 for none."""
        vectors = self.vectors(words, entities)
        return self.scores(vectors[candidates], vectors[history.clamp(min=0)], history >= 0)


def right_one_loss(net: nn.Module, batch: tuple[Tensor, ...]) -> Tensor:
    """Mean cross entropy of the clicked one, which comes first, among all that were shown.

    Args:
        net: A `DKNNet`.
        batch: What it is called with.
    """
    scores: Tensor = net(*batch)
    return functional.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.int64))
