"""A running service and the commands that one types beside it: each promise from end to end."""

from __future__ import annotations

import json
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from palate.cli.main import app
from palate.config import LogSettings, Settings
from palate.data.outcomes import join_outcomes
from palate.events.log.base import batches
from palate.features.ingest import open_ingest, open_log, open_state
from palate.features.state import State
from palate.serve.background import BackgroundService
from palate.store.backup import verify_backup
from palate.store.key import Scope
from palate.testing.process import until

pytestmark = pytest.mark.slow

Type = Callable[..., Any]
EVERYTHING = (Scope.INGEST, Scope.READ, Scope.WRITE, Scope.ADMIN)


@pytest.fixture
def palate(settings: Settings) -> Type:
    """Types a command for the service's home; its JSON document."""

    def run(*arguments: str, home: Path = settings.home) -> Any:
        line = [*arguments, "--home", str(home), "--json"]
        ran = CliRunner().invoke(app, line)
        assert ran.exit_code == 0, ran.output
        return json.loads(ran.stdout)

    return run


def post(service: BackgroundService, *events: dict[str, Any], **headers: str) -> list[Any]:
    answered = httpx.post(service.url + "/v1/events", json=events, headers=headers, timeout=60)
    results: list[Any] = answered.json()["results"]
    return results


class Posting:
    """A thread that posts events, one after the other, until left; knows what was accepted."""

    def __init__(self, service: BackgroundService, **headers: str) -> None:
        self._service = service
        self._headers = headers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.accepted: list[str] = []
        self.verdicts: Counter[str] = Counter()

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            event = {"event": "click", "event_id": f"posted-{number}", "item_id": "c0"}
            (result,) = post(self._service, {**event, "user_id": "u0"}, **self._headers)
            self.verdicts[result["verdict"]] += 1
            self.accepted.append(result["event_id"])
            number += 1

    def __enter__(self) -> Posting:
        self._thread.start()
        until(lambda: len(self.accepted) > 5)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def test_a_backup_made_while_serving_is_the_whole_service(
    settings: Settings, palate: Type, tmp_path: Path, make_key: Callable[..., str]
) -> None:
    secret = make_key(settings.home, *EVERYTHING)
    bearer = {"authorization": f"Bearer {secret}"}
    question = {"user_id": "ann", "k": 5}
    copy, elsewhere = tmp_path / "copy", settings.model_copy(update={"home": tmp_path / "new"})

    with BackgroundService(settings, log=tmp_path / "service.log") as service:
        gone = "/v1/privacy/users/comic0"
        erased = httpx.delete(f"{service.url}{gone}?now=true", headers=bearer, timeout=60)
        assert erased.json()["status"] == "cleaned"
        with Posting(service, **bearer) as posting:
            before = list(posting.accepted)
            made = palate("backup", str(copy))
            until(lambda: len(posting.accepted) > len(before))
        assert set(posting.verdicts) == {"accepted"}, "nobody waited in vain"
        url = service.url + "/v1/recommendations"
        slate = httpx.post(url, json=question, headers=bearer, timeout=60).json()["items"]

    assert made["files"] == len(verify_backup(copy).files)
    back = palate("restore", str(copy), home=elsewhere.home)
    assert back["log_head"] == made["log_head"]
    with open_log(elsewhere.home, settings, read_only=True) as log:
        ids = Counter(r.event.event_id for records in batches(log) for r in records)
    assert set(before) <= set(ids)
    assert max(ids.values()) == 1

    with BackgroundService(elsewhere, log=tmp_path / "again.log") as service:
        url = service.url + "/v1/recommendations"
        assert httpx.post(url, json=question, timeout=60).status_code == 401, "the keys came along"
        assert httpx.post(url, json=question, headers=bearer, timeout=60).json()["items"] == slate
        (late,) = post(service, {"event": "click", "user_id": "comic0", "item_id": "c1"}, **bearer)
        assert late["verdict"] == "invalid", "the key of pseudonyms came along"
        (again,) = post(
            service,
            {"event": "click", "user_id": "u0", "item_id": "c0", "event_id": "posted-0"},
            **bearer,
        )
        assert again["verdict"] == "duplicate"


def test_events_come_in_while_somebody_is_erased(
    running: BackgroundService, settings: Settings
) -> None:
    name = "somebody-who-wants-to-be-forgotten"
    post(running, *({"event": "click", "user_id": name, "item_id": f"c{n}"} for n in range(5)))
    with Posting(running) as posting:
        for _ in range(3):  # asked again, all of it is done again
            before = len(posting.accepted)
            done = httpx.delete(f"{running.url}/v1/privacy/users/{name}?now=true", timeout=60)
            assert done.json()["status"] == "cleaned"
            until(lambda before=before: len(posting.accepted) > before)  # type: ignore[misc]
    assert set(posting.verdicts) == {"accepted"}
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    assert [path for path in files if name.encode() in path.read_bytes()] == []
    with open_log(settings.home, settings, read_only=True) as log:
        ids = Counter(r.event.event_id for records in batches(log) for r in records)
    assert set(posting.accepted) <= set(ids)
    assert max(ids.values()) == 1


def test_what_was_refused_is_repaired_and_replayed_beside_the_service(
    running: BackgroundService, settings: Settings, palate: Type
) -> None:
    bad = {"event": "click", "item_id": "c3"}
    results = post(running, {**bad, "userid": "ann"}, {**bad, "user_id": "ann", "value": "x"})
    assert [result["verdict"] for result in results] == ["invalid", "invalid"]
    torn = {"content": b"[{", "headers": {"content-type": "application/json"}}
    assert httpx.post(running.url + "/v1/events", **torn, timeout=60).status_code == 400  # type: ignore[arg-type]
    listed = palate("events", "dead", "list")["letters"]
    assert [("userid" in one["reason"], one["source"]) for one in listed][:1] == [
        (True, "POST /v1/events")
    ]
    assert len(listed) == 3
    number = str(listed[1]["number"])
    replayed = palate("events", "dead", "replay", number, "--set", "value=4")
    assert [one["verdict"] for one in replayed] == ["accepted"]
    user = httpx.get(running.url + "/v1/users/ann", timeout=60).json()
    assert [e["item_id"] for e in user["events"]] == ["c3", "c1", "c0"], "at once"
    palate("events", "dead", "drop", "--all")
    assert palate("events", "dead", "list")["letters"] == []


def test_outcomes_find_the_slate_that_a_worker_served(
    running: BackgroundService, settings: Settings
) -> None:
    with httpx.Client(base_url=running.url, timeout=60) as client:
        slate = client.post("/v1/recommendations", json={"user_id": "ann", "k": 3}).json()
        chosen = slate["items"][1]["item_id"]
        click = {"event": "click", "user_id": "ann", "item_id": chosen}
        client.post("/v1/events", json=[{**click, "request_id": slate["request_id"]}])
    with open_log(settings.home, settings, read_only=True) as log:
        until(lambda: bool(log.read(events=["served"])))
        frame = join_outcomes(log.read(limit=1000), window_s=3600)
    assert frame["request_id"].to_list() == [slate["request_id"]] * 3
    assert frame["item_id"].to_list() == [item["item_id"] for item in slate["items"]]
    assert frame["click"].to_list() == [0, 1, 0]


def test_retention_while_serving_leaves_what_answers_are_made_from(
    settings: Settings, palate: Type, tmp_path: Path
) -> None:
    keeping = LogSettings(retention_days=1e-9, versions_days=1e-9)
    short = settings.model_copy(update={"log": keeping})
    with (
        BackgroundService(short, log=tmp_path / "service.log") as service,
        open_log(short.home, short, read_only=True) as log,
    ):
        until(lambda: log.start() > 60)
        user = httpx.get(service.url + "/v1/users/ann", timeout=60).json()
        assert [event["item_id"] for event in user["events"]] == ["c1", "c0"]
        items = httpx.get(service.url + "/v1/items", params={"limit": 50}, timeout=60).json()[
            "items"
        ]
        assert len(items) == 12
    assert "click" not in [one["event"] for one in palate("events", "stats")["events"]]
    with closing(_rebuilt(short)) as state:
        ann = state.user("ann")
        assert ann is not None
        assert ann.item_ids == ["c0", "c1"], "a rebuild begins with the base"


def _rebuilt(settings: Settings) -> State:
    """The state, made again."""
    shutil.rmtree(settings.home / "state")
    open_ingest(settings.home, settings).close()
    return open_state(settings.home, settings, read_only=True)
