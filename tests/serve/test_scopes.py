"""Which key opens which route: every route, method and set of scopes is tried."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import pytest

from palate.config import Settings
from palate.serve.chores import Chores
from palate.serve.openapi import openapi
from palate.serve.routes.table import ENDPOINTS
from palate.store.audit import Audit
from palate.store.database import REGISTRY, Database
from palate.store.key import Scope
from palate.store.keys import Keys
from palate.testing.service import Answered, InProcessService

N, R, W, A = Scope.INGEST, Scope.READ, Scope.WRITE, Scope.ADMIN
EVERYONE: Final = None

# Written by hand, beside the table of routes: this is the promise, that is the code.
TABLE: Final[dict[tuple[str, str], set[Scope] | None]] = {
    ("POST", "/v1/recommendations"): {R},
    ("POST", "/v1/rank"): {R},
    ("POST", "/v1/search"): {R},
    ("GET", "/v1/surfaces"): {R},
    ("POST", "/v1/events"): {N, W},
    ("GET", "/v1/items"): {R},
    ("GET", "/v1/items/{item_id}"): {R},
    ("PUT", "/v1/items/{item_id}"): {W},
    ("DELETE", "/v1/items/{item_id}"): {W},
    ("GET", "/v1/items/{item_id}/similar"): {R},
    ("GET", "/v1/popular"): {R},
    ("GET", "/v1/users/{user_id}"): {R},
    ("GET", "/v1/users/{user_id}/profile"): {R},
    ("PUT", "/v1/users/{user_id}"): {W},
    ("POST", "/v1/users/{user_id}/identify"): {W},
    ("GET", "/v1/privacy/users/{user_id}"): {A},
    ("DELETE", "/v1/privacy/users/{user_id}"): {A},
    ("GET", "/v1/releases"): {R},
    ("GET", "/metrics"): {R},
    ("GET", "/openapi.json"): {N, R, W, A},
    ("GET", "/healthz"): EVERYONE,
    ("GET", "/startupz"): EVERYONE,
    ("GET", "/readyz"): EVERYONE,
}
BODIES: Final[dict[tuple[str, str], Any]] = {
    ("POST", "/v1/recommendations"): {"user_id": "ann"},
    ("POST", "/v1/rank"): {"candidates": ["c5"]},
    ("POST", "/v1/search"): {"filters": {"genre": "comedy"}},
    ("POST", "/v1/events"): [],
    ("PUT", "/v1/items/{item_id}"): {},
    ("PUT", "/v1/users/{user_id}"): {},
    ("POST", "/v1/users/{user_id}/identify"): {"anonymous_id": "v"},
}
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
PATHS: Final = sorted({path for _, path in TABLE})
SETS: Final = [frozenset(part) for n in range(1, 5) for part in combinations(Scope, n)]


def test_the_table_is_complete() -> None:
    assert set(TABLE) == {(o.method, e.path) for e in ENDPOINTS for o in e.operations}
    assert len(SETS) == 15


def ask(service: InProcessService, method: str, path: str, secret: str | None) -> Answered:
    filled = path.replace("{item_id}", "c5").replace("{user_id}", "somebody")
    headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
    return service.request(method, filled, BODIES.get((method, path)), headers=headers)


@pytest.fixture(scope="module")
def keyed(
    built_home_copy: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[InProcessService, dict[frozenset[Scope], str]]]:
    with closing(Database(built_home_copy.home / REGISTRY)) as database:
        keys = Keys(database)
        secrets = {one: keys.create("test", one, by="test")[0] for one in SETS}
    with InProcessService(built_home_copy) as service:
        yield service, secrets


Keyed = tuple[InProcessService, dict[frozenset[Scope], str]]


def needed(method: str, path: str) -> set[Scope] | str | None:
    """Scopes of which one is needed, or that there is no such method."""
    of = "GET" if method == "HEAD" else method
    return TABLE.get((of, path), "no such method")


@pytest.mark.parametrize("scopes", SETS, ids=lambda s: "+".join(sorted(s)))
def test_t02_every_route_and_method_with(keyed: Keyed, scopes: frozenset[Scope]) -> None:
    service, secrets = keyed
    head = service.ingest.log.head()
    for path in PATHS:
        for method in METHODS:
            answered = ask(service, method, path, secrets[scopes])
            wanted = needed(method, path)
            where = (method, path, sorted(scopes), answered.status, answered.body)
            if isinstance(wanted, str):
                assert answered.status == 405, where
            elif wanted is EVERYONE or scopes & wanted:
                assert answered.status in (200, 404, 409), where
            else:
                assert answered.status == 403, where
                if method != "HEAD":
                    assert answered.headers["content-type"] == "application/problem+json"
                    assert answered.json["type"] == "urn:palate:problem:scope-missing"
    if not scopes & {W, A}:
        assert service.ingest.log.head() == head, "nothing was changed"


@pytest.mark.parametrize("secret", [None, "palate_0000000000_wrong", ""])
def test_t01_every_route_and_method_without_a_key(keyed: Keyed, secret: str | None) -> None:
    service, _ = keyed
    head = service.ingest.log.head()
    for path in [*PATHS, "/", "/nowhere", "/v1", "/v1/items/c5/nothing"]:
        for method in METHODS:
            answered = ask(service, method, path, secret)
            if path in PATHS and needed("GET", path) is EVERYONE:
                assert answered.status in (200, 405), (method, path)
            else:
                assert answered.status == 401, (method, path)
                assert answered.headers["www-authenticate"] == "Bearer"
    assert service.ingest.log.head() == head


CLICK: Final = {"event": "click", "user_id": "u", "item_id": "c0"}
UPSERT: Final = {"event": "item.upserted", "item_id": "new", "attributes": {}}
DELETED: Final = {"event": "item.deleted", "item_id": "c0"}
USER: Final = {"event": "user.upserted", "user_id": "u", "attributes": {}}
IDENTIFIED: Final = {"event": "user.identified", "user_id": "u", "anonymous_id": "w"}
FORGOTTEN: Final = {"event": "user.forgotten", "user_id": "u2"}
SERVED: Final = {"event": "served", "user_id": "u"}


@pytest.mark.parametrize("scopes", SETS, ids=lambda s: "+".join(sorted(s)))
def test_t02_which_events_a_key_may_post(keyed: Keyed, scopes: frozenset[Scope]) -> None:
    service, secrets = keyed
    if not scopes & {N, W}:
        return
    batch = [CLICK, UPSERT, DELETED, USER, IDENTIFIED, FORGOTTEN, SERVED]
    headers = {"authorization": f"Bearer {secrets[scopes]}"}
    results = service.request("POST", "/v1/events", batch, headers=headers).json["results"]
    ordinary = "accepted" if N in scopes else "invalid"
    reserved = "accepted" if W in scopes else "invalid"
    assert [result["verdict"] for result in results] == [
        ordinary, reserved, reserved, reserved, reserved, "invalid", "invalid",
    ]  # fmt: skip


def test_without_keys_everything_is_open_but_reserved_events(settings: Settings) -> None:
    with InProcessService(settings) as service:
        for (method, path), _ in TABLE.items():
            assert ask(service, method, path, None).status in (200, 404), (method, path)
        results = service.request("POST", "/v1/events", [CLICK, UPSERT, FORGOTTEN]).json["results"]
        assert [r["verdict"] for r in results] == ["accepted", "invalid", "invalid"]


def test_t04_the_first_key_locks_and_no_revocation_unlocks(
    settings: Settings, make_key: Callable[..., str]
) -> None:
    with InProcessService(settings) as service:
        assert service.request("GET", "/v1/popular").status == 200
        secret = make_key(settings.home, R)
        service.context.access.ring.refresh()
        headers = {"authorization": f"Bearer {secret}"}
        assert service.request("GET", "/v1/popular").status == 401
        assert service.request("GET", "/v1/popular", headers=headers).status == 200
        with closing(Database(settings.home / REGISTRY)) as database:
            keys = Keys(database)
            keys.revoke(keys.all()[0].id, by="test")
        service.context.access.ring.refresh()
        assert service.request("GET", "/v1/popular", headers=headers).status == 401
        assert service.request("GET", "/v1/popular").status == 401


def test_t20_a_change_says_who_made_it(settings: Settings, make_key: Callable[..., str]) -> None:
    secret = make_key(settings.home, W)
    headers = {"authorization": f"Bearer {secret}"}
    key_id = secret.split("_")[1]
    database = Database(settings.home / REGISTRY)
    with InProcessService(settings) as service:
        signed = {"event": "item.upserted", "item_id": "c1", "context": {"by": "somebody else"}}
        service.request("PUT", "/v1/items/c0", {}, headers=headers)
        service.request("DELETE", "/v1/items/c5", headers=headers)
        service.request("PUT", "/v1/users/ann", {}, headers=headers)
        service.request("POST", "/v1/events", [signed], headers=headers)
        chores = Chores(service.ingest, settings, database)
        while chores.step(0):
            pass
    told = [(e.who, e.action, e.ref) for e in Audit(database).recent(4)]
    database.close()
    assert {who for who, _, _ in told} == {f"key {key_id}"}
    assert [(action, ref) for _, action, ref in told[::-1][:2]] == [
        ("item.upserted", "c0"),
        ("item.deleted", "c5"),
    ]
    assert told[0][1:] == ("item.upserted", "c1")
    assert told[1][1] == "user.upserted"
    assert told[1][2].startswith("person ")


def test_the_openapi_document_names_the_scopes() -> None:
    document = json.loads(openapi(ENDPOINTS))
    (scheme,) = document["components"]["securitySchemes"]
    for (method, path), scopes in TABLE.items():
        described = document["paths"][path][method.lower()]
        if scopes is EVERYONE:
            assert described["security"] == []
        else:
            found = {scope for one in described["security"] for scope in one.get(scheme, ())}
            assert found == scopes, (method, path)
            assert {"401", "403", "429"} <= set(described["responses"])


def test_the_docs_have_the_same_table() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "security.md").read_text()
    for (method, path), scopes in TABLE.items():
        named = "no key" if scopes is EVERYONE else ", ".join(sorted(scopes))
        assert f"| `{method} {path}` | {named} |" in page, (method, path)
