"""What a pipeline's answer becomes: the document that is sent, and the slate that is logged."""

from __future__ import annotations

from palate.events.identity import now_us
from palate.events.served import Slate
from palate.pipeline.course import Degraded
from palate.serve.answering import Answering
from palate.serve.history import Past
from palate.serve.messages import (
    Explanation,
    RecommendationRequest,
    RecommendationResponse,
    RecommendedItem,
)
from palate.serve.staged import Asking, Ran

__all__ = ["less", "logged", "logged_ranking", "told"]


def less(answering: Answering) -> list[Degraded]:
    """Why another release answered than was meant to, or none did; as a stage that fell back."""
    return [Degraded("release", answering.why)] if answering.why else []


def told(asking: Asking, ran: Ran, request_id: str) -> RecommendationResponse:
    """The document.

    Args:
        asking: The question.
        ran: The answer.
        request_id: Of the slate.
    """
    slate = ran.slate
    fell_back = [*less(asking.answering), *slate.degraded]
    return RecommendationResponse(
        request_id=request_id,
        release=asking.answering.ref,
        degraded=bool(fell_back),
        items=[
            RecommendedItem(item, score)
            for item, score in zip(slate.ids, slate.scores.tolist(), strict=True)
        ],
        space=_space(asking),
        fell_back=fell_back,
        late=list(slate.late),
        page=slate.cursor,
        explanation=_explanation(ran) if slate.journey is not None else None,
    )


def logged(asking: Asking, ran: Ran, response: RecommendationResponse) -> Slate:
    """The record: what was shown, how likely that was, and what it was scored with."""
    request, slate, past = asking.request, ran.slate, ran.known.past
    moment = ran.moment
    return Slate(
        request_id=response.request_id,
        user_id=request.user_id,
        anonymous_id=request.anonymous_id,
        surface=request.surface,
        timestamp=asking.now_us,
        items=slate.ids,
        scores=[item.score for item in response.items],
        propensities=slate.propensities.tolist(),
        drawn=list(slate.drawn),
        release=response.release,
        degraded=response.degraded,
        history_length=len(past.item_ids),
        history_offset=past.offset,
        space=response.space,
        features_schema=None if moment is None else moment.fingerprint,
        features_hash=None if moment is None else moment.digest(ran.known.person, slate.features),
    )


def logged_ranking(
    request: RecommendationRequest, response: RecommendationResponse, past: Past
) -> Slate:
    """What was shown, and the `past` that its scores came from."""
    n = len(response.items)
    return Slate(
        request_id=response.request_id,
        user_id=request.user_id,
        anonymous_id=request.anonymous_id,
        surface=request.surface,
        timestamp=now_us(),
        items=[item.item_id for item in response.items],
        scores=[item.score for item in response.items],
        propensities=[1.0] * n,  # nothing is random in a model's ranking
        release=response.release,
        degraded=response.degraded,
        history_length=len(past.item_ids),
        history_offset=past.offset,
    )


def _space(asking: Asking) -> str | None:
    nets = None if asking.loaded is None else asking.loaded.nets
    return None if nets is None else nets.space


def _explanation(ran: Ran) -> Explanation:
    journey = ran.slate.journey
    assert journey is not None
    return Explanation(
        steps=list(ran.slate.steps),
        dropped=dict(ran.slate.dropped),
        examples={why: list(ids) for why, ids in journey.dropped.items()},
        items=list(journey.items),
        nan_scores=ran.slate.nan_scores,
        snapshot=ran.snapshot,
    )
