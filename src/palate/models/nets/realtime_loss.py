"""The joint loss of the three nets: retrieval, one space, outcomes.

    softmax  -ln  e^(s_i / tau - ln Q_i) / sum_j e^(s_j / tau - ln Q_j),   s = u . v
    cosine   1 - u . v_i
    rank     binary cross entropy of each outcome: of closeness, and of what RankNet adds to it

over the items j taken by the batch's other rows, drawn evenly from the catalogue, shown to the
user and not taken, and near the user in the current index. Q_j is how often item j is expected
among the first two kinds: B p_j + N / n for B rows, N draws, p_j the item's share of examples.
ln Q may be lessened or raised by what scores are not to hold or to hold besides: how long an item
was about (`exposure`), how popular it is (`popularity`).

Sources: Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item
recommendations", RecSys, section 3; Yang et al. 2020, "Mixed negative sampling for learning
two-tower neural networks in recommendations", WWW companion, section 3 (draws from the catalogue
beside those of the batch); Huang et al. 2020, "Embedding-based retrieval in Facebook search",
KDD, section 6.1 (hard negatives: not the very first of the index, which may be liked).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from palate.models.nets.realtime import RealtimeNet
from palate.models.nets.realtime_batches import Step
from palate.models.nets.realtime_softmax import Shared, shared_softmax
from palate.models.realtime.config import RealtimeConfig
from palate.models.realtime.items import ItemRows
from palate.train.batches import Batch
from palate.train.losses import bpr, cosine
from palate.train.precision import product_type
from palate.train.seeds import generator
from palate.types import Float32Array, Float64Array, Int32Array

__all__ = ["ItemTensors", "JointLoss", "embed_all"]

AT_ONCE: Final = 1024  # items embedded at a time: about as many as in a step, in the same memory
NEAREST: Final = 100  # hard negatives are among so many of the index...
SKIPPED: Final = 5  # ...but for the very first
UNTOLD: Final = 0.2  # of the rows are learned from without their moment: requests may name none
RENEWED: Final = 2  # examples an item between two indexes: a thirtieth of the time goes into them
DRAWN_EACH: Final = 2  # of the items drawn, those that RankNet sees beside one taken
_POOL: Final = 7  # what a generator is for, within its key


class ItemTensors:
    """Inputs of all items as tensors; its length is their number, without what they were before.

    Args:
        rows: Of the item vocabulary, in its order, then of what some items were before.
        earlier: (m,) the item of each of the latter; nothing changed by default.
    """

    def __init__(self, rows: ItemRows, earlier: Int32Array | None = None) -> None:
        self.slots = torch.from_numpy(np.ascontiguousarray(rows.slots))
        self.weights = torch.from_numpy(np.ascontiguousarray(rows.weights))
        self.numbers = torch.from_numpy(np.ascontiguousarray(rows.numbers))
        self.ids = torch.from_numpy(np.ascontiguousarray(rows.ids))
        changed = np.zeros(0, np.int64) if earlier is None else earlier.astype(np.int64)
        self._n = len(rows) - len(changed)
        self._owners = torch.from_numpy(np.concatenate((np.arange(self._n), changed)))

    def __len__(self) -> int:
        return self._n

    def owners(self, rows: torch.Tensor) -> torch.Tensor:
        """Which item each row is of."""
        return rows if len(self._owners) == self._n else self._owners[rows]

    def embedded(self, net: RealtimeNet, items: torch.Tensor) -> torch.Tensor:
        """(n, dimension) vectors of (n,) rows."""
        vectors: torch.Tensor = net.item(
            self.slots[items].long(),
            self.weights[items],
            self.numbers[items],
            self.ids[items].long(),
        )
        return vectors


@torch.no_grad()
def embed_all(
    net: RealtimeNet, items: ItemTensors, into: torch.Tensor | None = None
) -> torch.Tensor:
    """(n_items + 1, dimension) vectors, as they are served; the last row is zeros, for none.

    Args:
        net: Whose items they are.
        items: All of them.
        into: What an earlier call returned, to be written over; fresh memory by default.
    """
    was = net.training
    net.eval()
    if into is None:
        into = torch.zeros(len(items) + 1, net.item.config.dimension)
    for start in range(0, len(items), AT_ONCE):
        stop = min(start + AT_ONCE, len(items))
        into[start:stop] = items.embedded(net, torch.arange(start, stop))
    net.train(was)
    return into


class JointLoss:
    """Called with the net and a batch by the loop.

    Args:
        items: Of the whole vocabulary.
        counts: (n_items,) examples of each.
        config: What is in the loss.
        exposure: (n_items,) logarithm of how much of the time each was about; always by default.

    Attributes:
        index: (n_items + 1, dimension) of all items, at most `RENEWED` examples an item old; row
            -1 is zeros.
    """

    index: torch.Tensor

    def __init__(
        self,
        items: ItemTensors,
        counts: Float64Array,
        config: RealtimeConfig,
        *,
        exposure: Float32Array | None = None,
    ) -> None:
        self.items, self.config = items, config
        shares = np.maximum(counts, 1e-3) / max(float(counts.sum()), 1.0)
        self.shares = torch.from_numpy(shares.astype(np.float32))
        smoothed = (counts + 1) / (counts.sum() + len(counts))
        liked = config.popularity * np.log(smoothed)
        if exposure is not None:
            liked = liked - config.exposure * exposure
        self.added = torch.from_numpy(liked.astype(np.float32))
        self.pool = torch.arange(len(items))
        self.products = product_type(config.precision)
        self._left, self._times = 0, 0

    def refresh(self, net: RealtimeNet) -> None:
        """Make the index anew, and draw which of its items are searched."""
        config, n = self.config, len(self.items)
        self._left, self._times = RENEWED * n, self._times + 1
        if config.recent_gradient and not config.hard:
            return
        if self._times == 1:
            self.index = embed_all(net, self.items)
            self.narrow = self.index.to(self.products)  # what is multiplied alone is read so
        else:  # in place: large tables that come and go leave holes, and memory grows
            embed_all(net, self.items, self.index)
            self.narrow.copy_(self.index)
        if n > config.hard_pool:
            rng = generator(config.seed, self._times, _POOL)
            self.pool = torch.from_numpy(np.sort(rng.choice(n, config.hard_pool, replace=False)))

    def __call__(self, net: nn.Module, batch: Batch) -> torch.Tensor:
        """Mean loss of a batch."""
        assert isinstance(net, RealtimeNet)
        step, config = Step._make(batch), self.config
        if self._left <= 0:
            self.refresh(net)
        self._left -= len(step.item)
        told = torch.rand(len(step.item), 1) >= UNTOLD
        step = step._replace(context=step.context * told)
        wanted = [step.item, step.drawn, step.shown.flatten()]
        step = step._replace(item=self.items.owners(step.item))  # as it was then, it is embedded
        if config.recent and config.recent_gradient:
            wanted.append(step.recent.flatten())
        vectors, places = self._embedded(net, torch.cat(wanted))
        B = len(step.item)
        at = torch.split(places, [len(one) for one in wanted])
        if config.recent and not config.recent_gradient:
            users = net.user.of_rows(step.profile, self.narrow, step.recent, step.context)
        else:
            recent = vectors[at[-1]].view(B, -1, config.dimension)
            users = net.user(step.profile, recent, step.context, step.recent >= 0)
        right, shown = vectors[at[0]], vectors[at[2]].view(B, -1, config.dimension)
        loss = self._softmax(step, users, right, vectors[at[1]], shown)
        hard = self._hard(users, step) if config.hard else None
        if hard is not None:
            near = self.items.embedded(net, hard.flatten()).view(*hard.shape, -1)
            some = slice(0, len(hard))
            asked = users[some, :, None]
            above = (right[some, None] @ asked).view(-1) / config.tau
            below = (near @ asked).squeeze(2) / config.tau
            loss = loss + bpr(above, below) * (len(hard) / B)
        if config.cosine > 0:
            loss = loss + config.cosine * cosine(users, right)
        if config.rank > 0:
            left = (vectors[at[1]], shown, near if hard is not None else shown[:0])
            loss = loss + config.rank * self._outcomes(net, step, users, right, left)
        return loss

    def _embedded(
        self, net: RealtimeNet, wanted: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors of the distinct items, then one of zeros; and the row of each wanted one."""
        distinct, places = torch.unique(wanted, return_inverse=True)
        none = int(distinct[0] < 0)
        vectors = self.items.embedded(net, distinct[none:])
        zeros = torch.zeros(1, vectors.shape[1])
        places = torch.where(wanted < 0, len(vectors), places - none)
        return torch.cat((vectors, zeros)), places

    def _softmax(
        self,
        step: Step,
        users: torch.Tensor,
        right: torch.Tensor,
        drawn: torch.Tensor,
        shown: torch.Tensor,
    ) -> torch.Tensor:
        """Each row's item among those of the other rows, the drawn ones, and what was shown."""
        config = self.config
        asked = users / config.tau
        columns, items = torch.cat((right, drawn)), torch.cat((step.item, step.drawn))
        beside = (shown @ asked[:, :, None]).squeeze(2)
        bias = -self._taken_off(items, step)
        beside = beside - self._taken_off(step.shown.clamp_min(0), step)
        out = (step.shown < 0) | (step.shown == step.item[:, None])
        shared = Shared(columns, bias, items, others=config.in_batch)
        return shared_softmax(asked, shared, beside.masked_fill(out, -torch.inf), self.products)

    def _taken_off(self, items: torch.Tensor, step: Step) -> torch.Tensor:
        """What is taken off the scores of items, of any shape; scores come to hold it."""
        added = self.added[items]
        if not self.config.log_q:
            return added
        expected = self.shares.new_full((), len(step.drawn) / len(self.items))
        if self.config.in_batch:
            expected = expected + len(step.item) * self.shares[items]
        return added + torch.log(expected)

    @torch.no_grad()
    def _hard(self, users: torch.Tensor, step: Step) -> torch.Tensor:
        """(rows, hard) items that the index has near the first rows' users."""
        config = self.config
        some = users[: config.hard_rows].detach()
        scores = some @ self.index[self.pool].T
        known = torch.cat((step.item[: len(some), None], step.recent[: len(some)]), 1)
        at = torch.searchsorted(self.pool, known.clamp_min(0).contiguous())
        at = at.clamp_max(len(self.pool) - 1)
        there = self.pool[at] == known
        scores[torch.nonzero(there)[:, 0], at[there]] = -2.0
        found = torch.topk(scores, min(NEAREST, len(self.pool)), dim=1).indices
        skipped = min(SKIPPED, found.shape[1] - 1)
        lots = torch.randint(skipped, found.shape[1], (len(some), config.hard))
        return self.pool[found.gather(1, lots)]

    def _outcomes(
        self,
        net: RealtimeNet,
        step: Step,
        users: torch.Tensor,
        right: torch.Tensor,
        left: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    ) -> torch.Tensor:
        """RankNet's loss: what was taken, against what was drawn, was shown, is near.

        What is drawn comes evenly from the catalogue: other rows' items would teach that what is
        popular is seldom taken, since popular ones stand among them most often.
        """
        R = min(len(users), self.config.rank_rows)
        drawn, shown, near = left
        pairs = [(torch.arange(R), right[:R]), self._drawn(step, R, right, drawn)]
        if shown.shape[1]:
            row, place = torch.nonzero(step.shown[:R] >= 0, as_tuple=True)
            pairs.append((row, shown[row, place]))
        if len(near):
            row = torch.arange(min(R, len(near))).repeat_interleave(near.shape[1])
            pairs.append((row, near[:R].flatten(0, 1)))
        rows = torch.cat([row for row, _ in pairs])
        labels = torch.cat(
            (step.outcomes[:R], step.outcomes.new_zeros(len(rows) - R, step.outcomes.shape[1]))
        )
        items = torch.cat([one for _, one in pairs])
        close, rest = net.rank.parts(users[rows], items, step.context[rows])
        entropy = functional.binary_cross_entropy_with_logits
        return entropy(close, labels) + entropy(close.detach() + rest, labels)

    @staticmethod
    def _drawn(
        step: Step, R: int, right: torch.Tensor, drawn: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Rows and vectors of drawn items new to the first R; of other rows' where none are."""
        if not len(step.drawn):
            rolled = torch.roll(torch.arange(R), 1)
            apart = torch.nonzero(step.item[rolled] != step.item[:R])[:, 0]
            return apart, right[rolled[apart]]
        lots = torch.randint(len(step.drawn), (R, DRAWN_EACH))
        known = torch.cat((step.item[:R, None], step.recent[:R]), 1)
        new = (step.drawn[lots][:, :, None] != known[:, None]).all(2)
        row, place = torch.nonzero(new, as_tuple=True)
        return row, drawn[lots[row, place]]
