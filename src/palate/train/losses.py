"""Losses: plain functions of scores, each the mean over the rows of a batch."""

from __future__ import annotations

import torch
from torch.nn import functional

__all__ = [
    "binary_cross_entropy",
    "bpr",
    "cosine",
    "in_batch_softmax",
    "multinomial",
    "sampled_softmax",
]


def bpr(positive: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
    """Mean of -ln sigmoid(positive - negative): what was touched before what was not.

    Source: Rendle et al. 2009, UAI, section 4.1 (BPR-Opt without its prior).

    Args:
        positive: (n,) scores.
        negative: (n,) or (n, m) scores of items not touched.
    """
    if negative.ndim > positive.ndim:
        positive = positive.unsqueeze(-1)
    return functional.softplus(negative - positive).mean()


def binary_cross_entropy(
    logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean of -y ln p - (1 - y) ln(1 - p), p = sigmoid(logit).

    Logits, since the logarithm of a probability of 0 is what most often breaks training.

    Args:
        logits: Any shape.
        labels: The same shape, from 0 to 1.
        weights: The same shape; the mean is over their sum. None: all equal.
    """
    if weights is None:
        return functional.binary_cross_entropy_with_logits(logits, labels)
    each = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return (each * weights).sum() / weights.sum()


def sampled_softmax(
    positive: torch.Tensor,
    negatives: torch.Tensor,
    *,
    log_q_positive: torch.Tensor | None = None,
    log_q_negatives: torch.Tensor | None = None,
    hits: torch.Tensor | None = None,
) -> torch.Tensor:
    """Cross entropy of the right item among drawn ones, with the draw's chances taken off.

    Source: Jean et al. 2015, "On using very large target vocabulary for neural machine
    translation", ACL, section 3; Bengio and Senecal 2008, IEEE Trans. Neural Networks.

    Args:
        positive: (n,) scores of the right items.
        negatives: (n, m) scores of drawn items.
        log_q_positive: (n,) logarithms of the right items' chances to be drawn; None: all
            equal, which changes nothing.
        log_q_negatives: (n, m) or (m,) of the drawn ones.
        hits: (n, m) bool: the drawn item is the right one, and does not count.
    """
    if log_q_positive is not None:
        positive = positive - log_q_positive
    if log_q_negatives is not None:
        negatives = negatives - log_q_negatives
    if hits is not None:
        negatives = negatives.masked_fill(hits, -torch.inf)
    all_ = torch.cat((positive.unsqueeze(1), negatives), dim=1)
    return (torch.logsumexp(all_, dim=1) - positive).mean()


def in_batch_softmax(
    scores: torch.Tensor,
    items: torch.Tensor,
    log_q: torch.Tensor | None = None,
    *,
    own: tuple[torch.Tensor, torch.Tensor] | None = None,
) -> torch.Tensor:
    """Cross entropy of each row's item among all items of the batch, and further negatives.

    Source: Yi et al. 2019, RecSys, section 3, equations 4 to 6; Yang et al. 2020, "Mixed negative
    sampling for learning two-tower neural networks in recommendations", WWW companion, section 3
    (columns beyond the rows' own).

    Args:
        scores: (n, m), m >= n; row i's user with column j's item, divided by the temperature if
            any; column i is row i's item. Overwritten where no `log_q` is given.
        items: (m,) item rows. Where column j's item is row i's own, it is no negative of i.
        log_q: (m,) logarithms of how often each is drawn; None: no correction, or one that the
            scores have already.
        own: (n, k) scores of further negatives of each row, corrected, and (n, k) their items,
            below 0 for none.
    """
    n = len(scores)
    if log_q is not None:
        scores = scores - log_q
    same = items.unsqueeze(0) == items[:n].unsqueeze(1)
    same.fill_diagonal_(fill_value=False)
    scores = scores.masked_fill_(same, -torch.inf)
    if own is not None and own[1].shape[1]:
        out = (own[1] < 0) | (own[1] == items[:n].unsqueeze(1))
        scores = torch.cat((scores, own[0].masked_fill(out, -torch.inf)), dim=1)
    return functional.cross_entropy(scores, torch.arange(n))


def multinomial(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean over rows of -sum_i x_i ln softmax(logits)_i.

    Source: Liang et al. 2018, "Variational autoencoders for collaborative filtering", WWW,
    equation 2.

    Args:
        logits: (n, n_items).
        targets: (n, n_items) counts, 0 for what was not touched.
    """
    return -(targets * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()


def cosine(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Mean of 1 - cos(left, right): 0 where both point the same way, 2 where opposite.

    A vector of zeros counts as at right angles to any other.

    Args:
        left: (n, f).
        right: (n, f).
    """
    return (1 - functional.cosine_similarity(left, right, dim=1, eps=1e-8)).mean()
