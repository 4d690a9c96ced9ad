"""What every model of a comparison is judged against: worked out once, the same for all."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from palate.data.dataset import Dataset
from palate.data.histories import Histories
from palate.data.vocabulary import Vocabulary
from palate.errors import DataError
from palate.evaluate.protocol import Protocol
from palate.metrics import Cosine, Relevant
from palate.types import Int32Array, Int64Array

__all__ = ["Ground", "in_rows_of", "mapping"]


@dataclass(frozen=True, eq=False)
class Ground:
    """A training and a test part under a protocol.

    Attributes:
        train: What models may know.
        test: What they are judged on; its item vocabulary numbers the answers.
        protocol: How.
    """

    train: Dataset
    test: Dataset
    protocol: Protocol

    @cached_property
    def users(self) -> Int32Array:
        """(n_users,) int32 rows of the test part's users: everybody with an interaction there.

        Raises:
            DataError: There is nobody.
        """
        users = np.unique(self.test.user_rows).astype(np.int32)
        if not users.size:
            raise DataError("the test part has no interactions, so nobody can be judged")
        return users

    @cached_property
    def relevant(self) -> Relevant:
        """The right answers of `users`.

        Raises:
            DataError: There is none: the protocol's fault, which must not look like a model's.
        """
        histories = self.test.histories.select(self.users)
        relevant = Relevant.from_histories(histories, min_value=self.protocol.min_value)
        if not relevant.items.size:
            raise DataError(
                f"no test interaction reaches the value {self.protocol.min_value}: nothing is "
                "relevant",
                hint="lower min_value, or leave it out",
            )
        return relevant

    @cached_property
    def train_rows(self) -> Int32Array:
        """(n_users,) int32 rows of `users` in the training part, -1 for whom it does not know."""
        rows = mapping(self.test.user_vocabulary, self.train.user_vocabulary)
        return self.users if rows is None else rows[self.users]

    @cached_property
    def everything(self) -> Histories:
        """All training histories, over the test part's items."""
        return in_rows_of(
            self.test.item_vocabulary, self.train.histories, self.train.item_vocabulary
        )

    @cached_property
    def histories(self) -> Histories:
        """What `users` did in training, over the test part's items; empty for the unknown."""
        return self.everything.select(self.train_rows)

    @cached_property
    def popularity(self) -> Int64Array:
        """(n_items,) int64 training users of each item."""
        return self.everything.item_counts()

    @cached_property
    def similarity(self) -> Cosine:
        """Items are alike when the same users touched them in training."""
        return Cosine.of_cooccurrence(self.everything)

    def settle(self) -> None:
        """Work all of it out now, so that no model's clock or memory pays for it.

        Raises:
            DataError: There is nobody to judge, or nothing is relevant.
        """
        for part in (self.relevant, self.histories, self.popularity, self.similarity):
            assert part is not None

    def histories_over(self, vocabulary: Vocabulary) -> Histories:
        """What `users` did in training, over a model's items; empty for the unknown."""
        histories = self.train.histories.select(self.train_rows)
        return in_rows_of(vocabulary, histories, self.train.item_vocabulary)


def in_rows_of(target: Vocabulary, histories: Histories, source: Vocabulary) -> Histories:
    """`histories` over the items of `target`; what it does not know is left out."""
    rows = mapping(source, target)
    if rows is None:
        return histories
    items = rows[histories.items]
    known = items >= 0
    return Histories.from_entries(
        histories.users()[known],
        items[known],
        histories.values[known],
        histories.timestamps[known],
        n_users=histories.n_users,
        n_items=len(target),
    )


def mapping(source: Vocabulary, target: Vocabulary) -> Int32Array | None:
    """(len(source),) int32 rows of `target`, -1 where it lacks the id; None for equal ones."""
    if source is target or source == target:
        return None
    return target.rows(source.series)
