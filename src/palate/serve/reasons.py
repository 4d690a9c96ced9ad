"""The items of an answer by a model, and which of the user's own items speak for each."""

from __future__ import annotations

import logging
from typing import Final

from palate.data.histories import Histories
from palate.serve.faults import MODEL_FAULTS
from palate.serve.messages import ReasonDocument, RecommendedItem
from palate.serve.shelf import Loaded
from palate.serve.slate import Chosen

__all__ = ["items_of"]

_REASONS: Final = 3  # of the user's items, at most, for each recommended one

logger = logging.getLogger(__name__)


def items_of(
    chosen: list[Chosen], loaded: Loaded | None, history: Histories | None, *, explain: bool
) -> list[RecommendedItem]:
    """The documents of the chosen items.

    Args:
        chosen: Best first.
        loaded: What chose them.
        history: What it chose them by; None for popular or new items.
        explain: Whether to say why.
    """
    if not explain:
        return [RecommendedItem(item_id, score) for item_id, score, _ in chosen]
    return [RecommendedItem(c.item_id, c.score, _reasons(c, loaded, history)) for c in chosen]


def _reasons(
    chosen: Chosen, loaded: Loaded | None, history: Histories | None
) -> list[ReasonDocument]:
    """Which of the user's items speak for this one; none for a popular or new item."""
    if loaded is None or history is None or "explain" not in loaded.model.capabilities:
        return []
    try:
        reasons = loaded.model.explain_history(history, chosen.row, k=_REASONS)
    except MODEL_FAULTS:
        logger.exception("release %s cannot explain item %r", loaded.ref, chosen.item_id)
        return []
    return [ReasonDocument(reason.item_id, reason.share) for reason in reasons]
