from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from palate.cli.demo.client import Client
from palate.cli.demo.service import free_port
from palate.cli.demo.steps import Steps
from palate.cli.terminal import Terminal
from palate.errors import PalateError


class Echo(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        Echo.asked += 1
        busy = self.path == "/readyz" and Echo.asked < 3
        self._answer(503 if busy else 404 if self.path == "/nosuch" else 200, {"path": self.path})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, {"got": json.loads(body), "type": self.headers["Content-Type"]})

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep stderr for the test."""


@pytest.fixture
def url() -> Iterator[str]:
    Echo.asked = 0
    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_client_speaks_json(url: str) -> None:
    client = Client(url)
    assert client.get("/x") == {"path": "/x"}
    assert client.post("/x", {"a": 1}) == {"got": {"a": 1}, "type": "application/json"}


def test_an_error_says_who_answered_what(url: str) -> None:
    with pytest.raises(PalateError, match=r"/nosuch answered 404: .*nosuch"):
        Client(url).get("/nosuch")


def test_nobody_there_is_an_error() -> None:
    with pytest.raises(PalateError, match="cannot be reached"):
        Client(f"http://127.0.0.1:{free_port(0)}").get("/x")


def test_ready_is_waited_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palate.cli.demo.client.LOOK_S", 0.0)
    Client(url).wait_until_ready(within_s=60, alive=lambda: True)
    assert Echo.asked == 3


def test_a_service_that_ended_is_not_waited_for(url: str) -> None:
    with pytest.raises(PalateError, match="ended while it started"):
        Client(url).wait_until_ready(within_s=60, alive=lambda: False)


def test_waiting_ends() -> None:
    with pytest.raises(PalateError, match="not ready"):
        Client("http://127.0.0.1:1").wait_until_ready(within_s=0, alive=lambda: True)


def test_a_taken_port_gives_way_to_another() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) not in {0, port}


def test_steps_are_numbered_and_timed(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps(Terminal())
    with steps.step("Data") as step:
        step.tell("one\ntwo")
    with steps.step("Log"):
        pass
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[1].startswith("1  Data")
    assert lines[1].endswith("0.0 s")
    assert lines[2:4] == ["   one", "   two"]
    assert lines[5].startswith("2  Log")
    assert set(steps.seconds) == {"Data", "Log"}
