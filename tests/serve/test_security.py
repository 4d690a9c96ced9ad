"""The lines of SECURITY.md that one worker's application answers, without sockets."""

from __future__ import annotations

import ast
import asyncio
import gzip
import io
import os
import pickle
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from palate.config import Settings
from palate.errors import BundleError
from palate.release.registry import open_releases
from palate.serve.counters import Counters
from palate.serve.headers import SECURITY
from palate.serve.layout import Layout
from palate.serve.lock import only_service
from palate.serve.writer import Writer
from palate.store.key import KeyLimits, Scope
from palate.testing.service import InProcessService

SHOP = "https://shop.example"
CLICK = {"event": "click", "user_id": "ann", "item_id": "c2"}


# ------------------------------------------------------------------ T06 to T09: browsers


@pytest.mark.parametrize("media_type", ["text/plain", "", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/events"), ("POST", "/v1/recommendations"), ("PUT", "/v1/items/c0"),
        ("PUT", "/v1/users/ann"), ("POST", "/v1/users/ann/identify"),
    ],
)  # fmt: skip
def test_t06_a_form_or_a_beacon_of_another_site_gets_nowhere(
    service: InProcessService, method: str, path: str, media_type: str
) -> None:
    """What a page may send without leave is of these types; the rest needs a preflight."""
    head = service.ingest.log.head()
    headers = {"content-type": media_type, "origin": "https://evil.example"}
    assert service.request(method, path, b"[]", headers=headers).status == 415
    assert service.ingest.log.head() == head


def preflight(service: InProcessService, origin: str, path: str = "/v1/events") -> Any:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    return service.request("OPTIONS", path, headers=asked)


def test_t06_without_keys_no_page_is_given_leave(service: InProcessService) -> None:
    answered = preflight(service, SHOP)
    assert answered.status == 405
    assert not [name for name in answered.headers if name.startswith("access-control")]
    plain = service.request("POST", "/v1/events", [CLICK], headers={"origin": SHOP})
    assert not [name for name in plain.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200), ("127.0.0.1:8080", 200), ("localhost", 200), ("LOCALHOST:9", 200),
        ("[::1]", 200), ("[::1]:8080", 200), ("127.8.9.10:1", 200),
        ("evil.example", 421), ("evil.example:8080", 421), ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421), ("10.0.0.1", 421), ("", 421), ("[::2]:80", 421),
        ("0.0.0.0", 421), ("localhost@evil.example", 421),
    ],
)  # fmt: skip
def test_t07_without_keys_only_this_machines_names_are_answered(
    reading: InProcessService, host: str, status: int
) -> None:
    assert reading.request("GET", "/v1/popular", headers={"host": host}).status == status
    assert reading.request("GET", "/healthz", headers={"host": host}).status == 200


def test_t07_with_keys_any_name_will_do(settings: Settings, make_key: Callable[..., str]) -> None:
    secret = make_key(settings.home, Scope.READ)
    with InProcessService(settings) as service:
        headers = {"host": "shop.example", "authorization": f"Bearer {secret}"}
        assert service.request("GET", "/v1/popular", headers=headers).status == 200


@pytest.fixture
def web(settings: Settings, make_key: Callable[..., str]) -> Any:
    """A service with a key for pages of a shop, and one for servers."""
    limits = KeyLimits(origins=(SHOP, "http://localhost:3000"))
    secrets = {
        "page": make_key(settings.home, Scope.INGEST, limits=limits),
        "server": make_key(settings.home, Scope.INGEST),
    }
    with InProcessService(settings) as service:
        yield service, {name: {"authorization": f"Bearer {s}"} for name, s in secrets.items()}


def test_t08_a_page_of_its_origin_may_post(web: Any) -> None:
    service, keys = web
    asked = preflight(service, SHOP)
    assert asked.status == 204
    assert asked.headers["access-control-allow-origin"] == SHOP
    assert "authorization" in asked.headers["access-control-allow-headers"]
    posted = service.request(
        "POST", "/v1/events", [CLICK], headers={**keys["page"], "origin": SHOP}
    )
    assert posted.status == 200
    assert posted.headers["access-control-allow-origin"] == SHOP
    assert "origin" in posted.headers["vary"]
    bare = service.request("POST", "/v1/events", [CLICK], headers=keys["page"])
    assert bare.status == 200, "an app sends no origin"
    assert "access-control-allow-origin" not in bare.headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://shop.example", f"{SHOP}.evil.example", f"{SHOP}:444", "null"],
)
def test_t08_a_page_of_another_origin_may_not(web: Any, origin: str) -> None:
    service, keys = web
    head = service.ingest.log.head()
    asked = preflight(service, origin)
    assert asked.status == 401
    assert "access-control-allow-origin" not in asked.headers
    headers = {**keys["page"], "origin": origin}
    posted = service.request("POST", "/v1/events", [CLICK], headers=headers)
    assert posted.status == 403
    assert posted.json["type"] == "urn:palate:problem:wrong-origin"
    assert "access-control-allow-origin" not in posted.headers
    assert service.ingest.log.head() == head


def test_t08_no_wildcard_no_credentials_no_cookies(web: Any) -> None:
    service, keys = web
    answers = [preflight(service, SHOP)]
    for key in keys.values():
        headers = {**key, "origin": SHOP, "cookie": "session=1"}
        answers.append(service.request("POST", "/v1/events", [], headers=headers))
    for answered in answers:
        assert answered.headers.get("access-control-allow-origin") != "*"
        assert "access-control-allow-credentials" not in answered.headers
        assert "set-cookie" not in answered.headers
    assert "access-control-allow-origin" not in answers[2].headers, "a server's key is no page's"


def test_t09_every_answer_has_the_headers(service: InProcessService) -> None:
    asked = [
        ("GET", "/v1/popular", None), ("GET", "/v1/users/ann", None), ("GET", "/v1/users/no", None),
        ("POST", "/v1/events", b"{"), ("GET", "/nowhere", None), ("DELETE", "/v1/items", None),
        ("GET", "/healthz", None), ("GET", "/metrics", None), ("HEAD", "/v1/popular", None),
        ("GET", "/openapi.json", None),
    ]  # fmt: skip
    for method, path, body in asked:
        answered = service.request(method, path, body)
        for name, value in SECURITY:
            assert answered.headers[name.decode()] == value.decode(), (method, path)
    away = service.request("GET", "/v1/popular", headers={"host": "evil.example"})
    assert away.headers["x-content-type-options"] == "nosniff"


# ------------------------------------------------------------------ T11: what is too much


@pytest.mark.parametrize("path", ["/v1/events", "/v1/recommendations"])
def test_t11_bodies_have_bounds(reading: InProcessService, path: str) -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    for body, statuses in (
        (b"[" + b"1," * 20_000 + b"1]", {413}),
        (deep, {413}),
        (deep[91_000:109_000], {400, 422}),
        (b'{"filters":' + b'{"a":' * 3_000 + b"1" + b"}" * 3_000 + b"}", {400}),
    ):
        assert reading.request("POST", path, body).status in statuses, body[:20]


def test_t11_too_many_events_are_refused_before_they_are_read(reading: InProcessService) -> None:
    assert reading.request("POST", "/v1/events", b"[" + b",".join([b"7"] * 21) + b"]").status == 413


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, identity"])
def test_t11_nothing_is_unpacked(reading: InProcessService, coding: str) -> None:
    bomb = gzip.compress(b"[" + b" " * 10_000_000 + b"]")
    assert len(bomb) < 20_000
    answered = reading.request("POST", "/v1/events", bomb, headers={"content-encoding": coding})
    assert answered.status == 415
    assert answered.headers["accept-encoding"] == "identity"
    plain = {"content-encoding": "identity"}
    assert reading.request("POST", "/v1/events", b"[]", headers=plain).status == 200


# ------------------------------------------------------------------ T14, T15: what is written in


HOSTILE = [
    "../../etc/passwd", "..%2f..%2fetc", "/", "//", "a/../b", "'; DROP TABLE events; --",
    '" OR 1=1 --', "{{7*7}}", "${jndi:ldap://x}", "<script>alert(1)</script>", "%00", "a%0d%0ab",
    "__proto__", "постель", "🛒", "x" * 500,
]  # fmt: skip


@pytest.mark.parametrize("item_id", HOSTILE, ids=range(len(HOSTILE)))
def test_t14_ids_are_data(service: InProcessService, item_id: str) -> None:
    home = service.settings.home
    files = {path for path in home.parent.rglob("*") if path.is_file()}
    path = f"/v1/items/{quote(item_id, safe='')}"
    put = service.request("PUT", path, {"attributes": {"title": item_id}})
    assert put.status == 200
    assert service.request("GET", path).json == {
        "item_id": item_id, "attributes": {"title": item_id}, "hidden": False,
    }  # fmt: skip
    user = f"/v1/users/{quote(item_id, safe='')}"
    assert service.request("PUT", user, {}).json["user_id"] == item_id
    assert service.request("GET", user).status == 200
    exported = service.request("GET", f"/v1/privacy{user.removeprefix('/v1')}").json
    assert [event["user_id"] for event in exported["events"]] == [item_id]
    assert {path for path in home.parent.rglob("*") if path.is_file()} == files
    assert service.request("GET", "/v1/items/c0").status == 200


@pytest.mark.parametrize("raw", ["%00", "%0d%0aSet-Cookie:x", "%FF", "%ED%A0%80", "x" * 501])
def test_t14_what_can_be_no_id_is_refused(reading: InProcessService, raw: str) -> None:
    for path in ("/v1/items/", "/v1/users/", "/v1/privacy/users/"):
        answered = reading.request("GET", path + raw)
        assert answered.status in (400, 422)
        assert "set-cookie" not in answered.headers


@pytest.mark.parametrize(
    "filters",
    [
        {"__class__": "x"}, {"genre": {"eval": "1"}}, {"genre": {"any": [{"$where": "1"}]}},
        {"price": {"min": "__import__('os').system('id')"}}, {"price": "1 or True"},
        {"genre; DROP TABLE": "x"}, {"price": {"min": {"max": 1}}}, {"title": ".*"},
    ],
)  # fmt: skip
def test_t15_a_filter_is_data(reading: InProcessService, filters: Any) -> None:
    answered = reading.request("POST", "/v1/recommendations", {"filters": filters})
    assert answered.status == 422
    assert answered.headers["content-type"] == "application/problem+json"


def test_t15_nothing_in_the_package_evaluates_text() -> None:
    source = Path(__file__).resolve().parents[2] / "src" / "palate"
    forbidden = {"eval", "exec", "compile", "__import__"}
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in forbidden, f"{path}:{node.lineno}"
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & {"pickle", "cloudpickle", "dill", "marshal", "shelve"}, path


# ------------------------------------------------------------------ T16, T17: models


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("how", ["array of objects", "pickle", "one byte", "a file more", "a link"])
def test_t16_a_tampered_model_is_refused_and_runs_nothing(
    settings: Settings, tmp_path: Path, how: str
) -> None:
    """Whoever can write a bundle can also mend its checksums; the registry has its digest."""
    boom = tmp_path / "boom"
    (state,) = settings.home.glob("objects/**/taste/3/**/state.npz")
    state.parent.chmod(0o755)
    state.chmod(0o644)
    if how == "array of objects":
        np.savez(state, weights=np.array([Bomb(boom)], object))
    elif how == "pickle":
        state.write_bytes(pickle.dumps(Bomb(boom)))
    elif how == "one byte":
        state.write_bytes(state.read_bytes()[:-1] + b"x")
    elif how == "a file more":
        (state.parent / "more.bin").write_bytes(b"x")
    else:
        other = shutil.copy(state, tmp_path / "elsewhere.npz")
        state.unlink()
        state.symlink_to(other)
    releases = open_releases(settings.home)
    with pytest.raises(BundleError):
        releases.load("taste:3")
    with pytest.raises(BundleError):
        releases.promote("taste:3", by="test", reason="test")
    assert not boom.exists()
    assert releases.aliases()["stable"] == "taste:1"
    releases.close()


def test_t16_the_bomb_would_have_gone_off(tmp_path: Path) -> None:
    np.load(io.BytesIO(_saved(Bomb(tmp_path / "boom"))), allow_pickle=True)["weights"]
    assert (tmp_path / "boom").exists()


def _saved(thing: object) -> bytes:
    file = io.BytesIO()
    np.savez(file, weights=np.array([thing], object))
    return file.getvalue()


@pytest.mark.parametrize(
    ("release", "status"),
    [
        ("taste:1", 200), ("canary", 200), ("taste:3", 409), ("taste:99", 404),
        ("../../etc/passwd", 404), ("/etc/passwd", 404), ("file:///etc/passwd", 404),
        ("https://evil.example/model", 404), ("taste:1; DROP", 404), ("taste:-1", 404),
    ],
)  # fmt: skip
def test_t17_a_request_names_what_is_loaded_and_loads_nothing(
    reading: InProcessService, release: str, status: int
) -> None:
    before = dict(reading.context.shelf.view.loaded)
    body = {"user_id": "ann", "release": release}
    assert reading.request("POST", "/v1/recommendations", body).status == status
    assert dict(reading.context.shelf.view.loaded) == before


# ------------------------------------------------------------------ T18, T19


def test_t18_a_fault_of_ours_tells_nothing(
    service: InProcessService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("a secret of ours")

    monkeypatch.setattr(service.context.recommendations, "popular", broken)
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/v1/popular", "raw_path": b"/v1/popular",
        "headers": [(b"host", b"127.0.0.1")], "query_string": b"", "root_path": "",
        "scheme": "http", "server": ("127.0.0.1", 80), "http_version": "1.1",
    }  # fmt: skip
    with pytest.raises(KeyError):  # the server behind us gets it too, and logs it
        asyncio.run(service.app(scope, receive, send))
    start, body = sent[0], b"".join(message.get("body", b"") for message in sent[1:])
    assert start["status"] == 500
    assert b"urn:palate:problem:fault" in body
    assert b"secret" not in body
    assert b"KeyError" not in body
    assert b"server" not in {name for name, _ in start["headers"]}


def test_t19_what_is_shared_on_this_machine_is_the_owners_alone(settings: Settings) -> None:
    layout = Layout(settings.home)

    async def listen(service: InProcessService) -> None:
        writer = Writer(service.ingest, Counters(layout.counters("writer")))
        server = await writer.listen(layout.writer_socket)
        assert stat.S_IMODE(layout.writer_socket.stat().st_mode) == 0o600
        server.close()

    with InProcessService(settings) as service, only_service(settings.home):
        asyncio.run(listen(service))
        assert stat.S_IMODE(layout.lock.stat().st_mode) == 0o600
        assert stat.S_IMODE(layout.rates.stat().st_mode) == 0o600
        assert stat.S_IMODE((settings.home / "privacy.key").stat().st_mode) == 0o600
