"""What every route of one worker needs, and how a route is described."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from palate.config import Settings
from palate.events.log.sqlite import SqliteEventLog
from palate.features.state import State
from palate.pipeline.surface import Surface
from palate.release.registry import Releases
from palate.serve.access import Access
from palate.serve.catalogue import Catalogue
from palate.serve.client import EventWriter
from palate.serve.counters import Counters
from palate.serve.layout import Layout
from palate.serve.lifecycle import Lifecycle
from palate.serve.outbox import Outbox
from palate.serve.recommend import Recommendations
from palate.serve.shelf import Shelf
from palate.serve.spaces import Spaces
from palate.serve.trials import ServedTrials
from palate.store.key import Scope

__all__ = ["Context", "Endpoint", "Handler", "Operation", "Query"]


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one worker.

    `spaces` is None where no surface is answered by nets, `trials` where none needs counts.
    """

    settings: Settings
    layout: Layout
    lifecycle: Lifecycle
    log: SqliteEventLog
    state: State
    releases: Releases
    shelf: Shelf
    spaces: Spaces | None
    surfaces: Mapping[str, Surface]
    catalogue: Catalogue
    trials: ServedTrials | None
    recommendations: Recommendations
    outbox: Outbox
    writer: EventWriter
    counters: Counters
    access: Access


Handler = Callable[[Context, Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Query:
    """A query parameter, as the OpenAPI document describes it."""

    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a path.

    Attributes:
        method: `GET`.
        summary: For the OpenAPI document.
        handle: Answers it.
        answer: The struct of a 200 answer, or a media type for other texts.
        scopes: A key needs one of them; with none, no key opens a route that needs one.
        body: The struct (or union) of the request's body.
        query: Its query parameters.
        problems: Statuses of problem documents that it may answer with, beside those that
            every operation has.
    """

    method: str
    summary: str
    handle: Handler
    answer: Any
    scopes: tuple[Scope, ...] = ()
    body: Any = None
    query: tuple[Query, ...] = ()
    problems: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path.

    Attributes:
        path: With its parameters: `/v1/items/{item_id}`.
        name: Under which the counters know it.
        operations: One a method.
        keyless: Whether it answers without a key: probes.
    """

    path: str
    name: str
    operations: tuple[Operation, ...]
    keyless: bool = False
