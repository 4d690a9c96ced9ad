"""`GET /v1/users/{user_id}/profile`: what a person prefers, and how sure that is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from palate.config import Attribute
from palate.events.identity import now_us
from palate.serve.context import Context, Endpoint, Operation, Query
from palate.serve.problem import ProblemError
from palate.serve.profile_messages import (
    PreferredNumber,
    PreferredValue,
    PreferredValues,
    ProfileDocument,
)
from palate.serve.reading import answer, read_id, read_number, read_text
from palate.store.key import Scope

if TYPE_CHECKING:
    from palate.features.profile import CategoryPreference, NumberPreference

__all__ = ["ENDPOINT"]

_VALUES: Final = 10
_MOST_VALUES: Final = 1000


async def get_profile(context: Context, request: Request) -> Response:
    """Answers with what is believed of each attribute: what they did, shrunk to the average.

    Somebody of whom too little is known looks almost average.
    """
    user_id = read_id(request, "user_id")
    shown = read_number(request, "k", _VALUES, most=_MOST_VALUES) or _VALUES
    visitor = read_text(request, "visitor")
    if visitor not in (None, "true", "false"):
        raise ProblemError(422, "impossible-parameter", "visitor is true or false")
    profiles, state = context.state.profiles, context.state
    definition = profiles.definition
    if definition is None:
        raise ProblemError(404, "no-profiles", "the settings have no table [profile]")
    kept = profiles.visitor(user_id) if visitor == "true" else profiles.user(user_id)
    known = state.anonymous(user_id) if visitor == "true" else state.user(user_id)
    if kept is None and known is None:
        raise ProblemError(404, "unknown-user", f"nothing is known of {user_id!r}")
    prior = profiles.prior(definition.fingerprint)
    if prior is None:
        raise ProblemError(404, "no-average", "too few people did anything to know the average")
    from palate.features.profile import Statistics, preferences

    own = Statistics.empty(definition) if kept is None else kept.statistics()
    at_us = now_us()
    found = preferences(own, prior, at_us, definition)
    usual = preferences(Statistics.empty(definition), prior, at_us, definition)
    return answer(
        ProfileDocument(
            user_id=user_id,
            definition=definition.fingerprint,
            prior=found.prior,
            half_life_days=definition.half_life_days,
            categories={
                name: _values(one, usual.categories[name], shown)
                for name, one in found.categories.items()
            },
            numbers={
                name: _number(one, usual.numbers[name], definition.attributes[name])
                for name, one in found.numbers.items()
            },
        )
    )


def _values(found: CategoryPreference, usual: CategoryPreference, shown: int) -> PreferredValues:
    likeliest = sorted((-p, value) for value, p in found.probability.items())[:shown]
    values = [
        PreferredValue(
            value=value,
            probability=-p,
            deviation=found.deviation[value],
            usual=usual.probability.get(value, usual.rest),
            text=f"{value} {-100 * p:.0f} % ± {100 * found.deviation[value]:.0f}",
        )
        for p, value in likeliest
    ]
    rest = max(0.0, 1.0 - sum(one.probability for one in values))
    return PreferredValues(values=values, rest=rest, events=found.events)


def _number(
    found: NumberPreference, usual: NumberPreference, attribute: Attribute
) -> PreferredNumber:
    from palate.features.profile.units import in_units

    own = in_units(found, attribute)
    return PreferredNumber(
        mean=own.mean,
        deviation=own.deviation,
        spread=own.spread,
        usual=in_units(usual, attribute).mean,
        events=found.events,
        text=_rounded(own.mean, own.deviation),
    )


def _rounded(mean: float, deviation: float) -> str:
    """Both to the second digit of the deviation."""
    digits = 1 - math.floor(math.log10(deviation)) if deviation > 0.0 else 2
    places = max(digits, 0)
    return f"{round(mean, digits):.{places}f} ± {round(deviation, digits):.{places}f}"


ENDPOINT: Final = Endpoint(
    "/v1/users/{user_id}/profile",
    "profile",
    (
        Operation(
            "GET",
            "What a user prefers",
            get_profile,
            ProfileDocument,
            scopes=(Scope.READ,),
            query=(
                Query(
                    "k",
                    f"Likeliest values of each attribute; {_VALUES} by default.",
                    {"type": "integer", "minimum": 1, "maximum": _MOST_VALUES},
                ),
                Query(
                    "visitor",
                    "`true`: the id is that of a visitor who has not signed in.",
                    {"type": "string", "enum": ["true", "false"]},
                ),
            ),
            problems=(400, 404, 422),
        ),
    ),
)
