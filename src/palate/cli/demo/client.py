"""The few HTTP calls that the demo makes, with the standard library alone."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from palate.errors import PalateError

__all__ = ["Client"]

TIMEOUT_S = 10.0
LOOK_S = 0.1


class Client:
    """Talks JSON to a Palate service.

    Args:
        url: `http://127.0.0.1:8080`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # The service is on this machine: a proxy of the environment has no part in it.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str) -> Any:
        """The answer to a GET."""
        return self._send(urllib.request.Request(self.url + path))

    def post(self, path: str, body: object) -> Any:
        """The answer to a POST of `body` as JSON."""
        return self._send(self._with_body("POST", path, body))

    def put(self, path: str, body: object) -> Any:
        """The answer to a PUT of `body` as JSON."""
        return self._send(self._with_body("PUT", path, body))

    def delete(self, path: str) -> Any:
        """The answer to a DELETE."""
        return self._send(urllib.request.Request(self.url + path, method="DELETE"))

    def wait_until_ready(self, *, within_s: float, alive: Callable[[], bool]) -> None:
        """Wait until `/readyz` says yes.

        Args:
            within_s: Seconds to wait at most.
            alive: Whether the service's process still runs.

        Raises:
            PalateError: The process ended, or the time is over.
        """
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if not alive():
                raise PalateError("the service ended while it started", hint="palate doctor")
            try:
                with self._opener.open(f"{self.url}/readyz", timeout=TIMEOUT_S):
                    return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(LOOK_S)
        raise PalateError(f"the service is not ready after {within_s:.0f} s", hint="palate doctor")

    def _with_body(self, method: str, path: str, body: object) -> urllib.request.Request:
        return urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )

    def _send(self, request: urllib.request.Request) -> Any:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise PalateError(f"{request.full_url} answered {error.code}: {said}") from error
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            raise PalateError(f"{request.full_url} cannot be reached: {error}") from error
