"""The three nets: users and items become points of one space, and pairs of them outcomes.

    item  v = unit( W2 relu( sum_l w_l T[slot_l] + W1 numbers + b1 ) + b2 + E[id] )
    user  u = unit( sum_h g_h * r_h + V2 relu( V1 [profile; r_1 .. r_H; context] + c1 ) + c2 )
          r_h = sum_k softmax_k( a_h . v_k + t_hk ) v_k        over the newest items k
    rank  p_o = sigmoid( e^s_o u . v + l_o + t f_o )
          f = MLP( A u + B v + C (u * v) + D |u - v| + F x + d )

`A u + d` is the user's half of RankNet's first layer: the same for all candidates of a request;
x are the request's features. What RankNet learns is what closeness leaves unsaid; t, its trust, is
1, or less where validation says so: with t = 0 every outcome rises with closeness.

Sources: Covington, Adams and Sargin 2016, "Deep neural networks for YouTube recommendations",
RecSys (a tower for users, one for ranking); Yi et al. 2019, RecSys, section 3 (two towers, unit
vectors over a temperature); Vaswani et al. 2017, NIPS, section 3.2.2 (heads).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import nn
from torch.nn import functional

from palate.models.nets.bags import Bag
from palate.models.nets.realtime_attention import attended
from palate.models.realtime.config import RealtimeConfig
from palate.train.dropout import Dropout

__all__ = ["FARTHEST", "LEAST", "ItemNet", "RankNet", "RealtimeNet", "Sizes", "UserNet", "unit"]

LEAST: Final = 1e-6  # a shorter vector has no direction and stays near zero
FARTHEST: Final = 5.0  # deviations from the mean at which a number of a profile is cut
LITTLE: Final = 0.01  # what RankNet first adds to closeness
STEEP: Final = 1.5  # logarithm of how steeply log odds first rise with the cosine
SPREAD: Final = 3.0  # between the flattest and the steepest head's forgetting


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the nets read.

    Attributes:
        features: Rows of the items' table of attributes.
        numbers: Width of the items' dense block.
        ids: Rows of the table of ids, that of zeros included.
        profile: Width of a profile.
        context: Width of a moment.
        outcomes: What RankNet tells apart.
    """

    features: int
    numbers: int
    ids: int
    profile: int
    context: int
    outcomes: int


def unit(x: torch.Tensor) -> torch.Tensor:
    """Rows of length 1."""
    rows: torch.Tensor = x / x.norm(dim=1, keepdim=True).clamp_min(LEAST)
    return rows


class ItemNet(nn.Module):
    """Items to (n, dimension) unit vectors."""

    def __init__(self, sizes: Sizes, config: RealtimeConfig) -> None:
        super().__init__()
        self.config = config
        hidden, dimension = config.hidden, config.dimension
        self.table = Bag(sizes.features, hidden)
        self.numbers = nn.Linear(sizes.numbers, hidden) if sizes.numbers else None
        self.first_bias = nn.Parameter(torch.zeros(hidden))
        self.dropout = Dropout(config.dropout)
        self.out = nn.Linear(hidden, dimension)
        self.ids = nn.Embedding(sizes.ids, dimension, sparse=True)
        nn.init.normal_(self.table.weight, std=0.1)
        nn.init.normal_(self.ids.weight, std=config.id_spread)
        with torch.no_grad():
            self.ids.weight[0] = 0

    def forward(
        self,
        slots: torch.Tensor,
        weights: torch.Tensor,
        numbers: torch.Tensor,
        ids: torch.Tensor,
    ) -> torch.Tensor:
        """Embed.

        Args:
            slots: (n, L) int64 rows of the table.
            weights: (n, L).
            numbers: (n, k).
            ids: (n,) int64 rows of the table of ids; 0 reads zeros.
        """
        hidden = self.table(slots, weights) + self.first_bias
        if self.numbers is not None:
            hidden = hidden + self.numbers(numbers)
        vectors: torch.Tensor = self.out(self.dropout(torch.relu(hidden)))
        if self.config.ids:
            known = ids > 0
            if self.training and self.config.id_dropout > 0:
                known = known & (torch.rand(ids.shape) >= self.config.id_dropout)
            vectors = vectors + self.ids(ids) * known.unsqueeze(1)
        return unit(vectors)


class UserNet(nn.Module):
    """Profile, newest items and moment to (n, dimension) unit vectors."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, sizes: Sizes, config: RealtimeConfig) -> None:
        super().__init__()
        dimension, heads, m = config.dimension, config.heads, config.recent
        self.register_buffer("mean", torch.zeros(sizes.profile))
        self.register_buffer("scale", torch.ones(sizes.profile))
        wide = sizes.profile + sizes.context + (heads * dimension if m else 0)
        self.first = nn.Linear(wide, config.hidden)
        dropout = config.dropout if config.user_dropout is None else config.user_dropout
        self.dropout = Dropout(dropout)
        self.out = nn.Linear(config.hidden, dimension)
        self.m = m
        if m:
            steep = torch.linspace(0.0, SPREAD, heads).unsqueeze(1)
            self.places = nn.Parameter(-steep * torch.arange(m - 1, -1, -1.0) / m)
            self.queries = nn.Parameter(torch.zeros(heads, dimension))
            self.gates = nn.Parameter(torch.full((heads, dimension), 1.0 / heads))

    def forward(
        self,
        profile: torch.Tensor,
        recent: torch.Tensor,
        context: torch.Tensor,
        there: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Embed.

        Args:
            profile: (n, p).
            recent: (n, m, dimension), newest last; rows of zeros for none.
            context: (n, c).
            there: (n, m) bool, which rows of `recent` are items; None: those that are not zeros.
        """
        fixed = self._fixed(profile, context)
        if not self.m:
            return unit(self.out(self.dropout(torch.relu(self.first(fixed)))))
        pooled = self.pooled(recent, there)
        return self._joined(fixed, pooled, (pooled * self.gates).sum(1))

    def of_rows(
        self,
        profile: torch.Tensor,
        table: torch.Tensor,
        recent: torch.Tensor,
        context: torch.Tensor,
    ) -> torch.Tensor:
        """Embed users whose newest items are rows of a table that stays as it is.

        Args:
            profile: (n, p).
            table: (N, dimension) float32 or bfloat16, which gets no gradient.
            recent: (n, m) int64 rows of the table, newest last; below 0 for none.
            context: (n, c).
        """
        read = attended(table, recent, self.queries, self.places, self.gates)
        return self._joined(self._fixed(profile, context), *read)

    def _fixed(self, profile: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """(n, p + c) what is given as it is."""
        standard = (profile - self.mean).mul_(self.scale).clamp_(-FARTHEST, FARTHEST)
        return torch.cat((standard, context), 1)

    def _joined(
        self, fixed: torch.Tensor, pooled: torch.Tensor, gated: torch.Tensor
    ) -> torch.Tensor:
        """Vectors by what is given, by (n, heads, dimension) means and by their sum."""
        # In two parts, for what is given needs no gradient: it is half of the layer's work.
        weight, wide = self.first.weight, fixed.shape[1]
        first = functional.linear(fixed, weight[:, :wide], self.first.bias)
        hidden = torch.relu(first + functional.linear(pooled.flatten(1), weight[:, wide:]))
        return unit(gated + self.out(self.dropout(hidden)))

    def pooled(self, recent: torch.Tensor, there: torch.Tensor | None = None) -> torch.Tensor:
        """(n, heads, dimension) weighed means of the newest items; zeros where there are none."""
        items = ((recent * recent).sum(2) > 0) if there is None else there
        items = items.unsqueeze(1)  # (n, 1, m)
        logits = self.queries @ recent.transpose(1, 2) + self.places  # (n, heads, m)
        weights = torch.softmax(logits.masked_fill(~items, -1e9), dim=2)
        return weights @ recent  # of nobody's zeros: zeros, whatever they weigh


class RankNet(nn.Module):
    """Pairs to (n, outcomes) log odds: what closeness says, and what the rest adds to it.

    Attributes:
        trust: How much of the rest counts; 0 leaves the order of closeness.
    """

    trust: torch.Tensor

    def __init__(self, sizes: Sizes, config: RealtimeConfig) -> None:
        super().__init__()
        wide, deep = config.rank_hidden
        self.slope = nn.Parameter(torch.full((sizes.outcomes,), STEEP))
        self.level = nn.Parameter(torch.zeros(sizes.outcomes))
        self.user = nn.Linear(config.dimension, wide)
        self.pair = nn.Linear(3 * config.dimension + sizes.context, wide, bias=False)
        self.dropout = Dropout(config.dropout)
        self.second = nn.Linear(wide, deep)
        self.out = nn.Linear(deep, sizes.outcomes)
        nn.init.normal_(self.out.weight, std=LITTLE)  # it begins as closeness, or nearly
        nn.init.zeros_(self.out.bias)
        self.interaction, self.moment = config.interaction, config.rank_context
        with torch.no_grad():  # what is not read weighs nothing, for good: no gradient gets there
            d = config.dimension
            self.pair.weight[:, d : 3 * d] *= self.interaction
            self.pair.weight[:, 3 * d :] *= self.moment
        self.register_buffer("trust", torch.ones(1))

    def forward(
        self, user: torch.Tensor, items: torch.Tensor, features: torch.Tensor
    ) -> torch.Tensor:
        """Log odds of each outcome.

        Args:
            user: (n, dimension), one for each pair.
            items: (n, dimension).
            features: (n, f) of the request.
        """
        near, rest = self.parts(user, items, features)
        return near + self.trust * rest

    def parts(
        self, user: torch.Tensor, items: torch.Tensor, features: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, outcomes) log odds by closeness, which they rise with, and (n, outcomes) the rest."""
        product = user * items
        near = product.sum(1, keepdim=True) * self.slope.exp() + self.level
        distance = (user - items).abs()
        if not self.interaction:
            product, distance = torch.zeros_like(product), torch.zeros_like(distance)
        if not self.moment:
            features = torch.zeros_like(features)
        pair = torch.cat((items, product, distance, features), 1)
        hidden = self.dropout(torch.relu(self.user(user) + self.pair(pair)))
        return near, self.out(torch.relu(self.second(hidden)))


class RealtimeNet(nn.Module):
    """All three, trained together."""

    def __init__(self, sizes: Sizes, config: RealtimeConfig) -> None:
        super().__init__()
        self.sizes = sizes
        self.item = ItemNet(sizes, config)
        self.user = UserNet(sizes, config)
        self.rank = RankNet(sizes, config)

    def standardise(self, profiles: torch.Tensor) -> None:
        """Take mean and deviation of profiles, (n, p), so that all their numbers weigh alike."""
        if len(profiles) > 1 and profiles.shape[1]:
            self.user.mean.copy_(profiles.mean(0))
            deviation = functional.relu(profiles.std(0) - LEAST) + LEAST
            self.user.scale.copy_(torch.where(deviation > 1e-4, 1 / deviation, 0.0))
