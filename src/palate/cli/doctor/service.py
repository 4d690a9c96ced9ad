"""Checks of the running service, or of what it would need to run."""

from __future__ import annotations

import json
import resource
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

from palate import __version__
from palate.cli.doctor.finding import Finding, fail, ok, warn

if TYPE_CHECKING:
    from palate.config import Settings
    from palate.serve.lock import RunningService

__all__ = ["check_files", "check_service"]

PATIENCE_S = 3.0
FEW_FILES = 4096


def check_files() -> Iterator[Finding]:
    """Whether processes may open enough files: each connection is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FEW_FILES:
        yield warn(
            "open files",
            f"at most {hard} a process, so about as many clients a worker",
            hint="ulimit -Hn 65536, or LimitNOFILE=65536 in the systemd unit",
        )


def check_service(settings: Settings) -> Iterator[Finding]:
    """Whether the service of this home is ready; where there is none, whether one could listen."""
    from palate.serve.lock import running_service

    running = running_service(settings.home) if settings.home.is_dir() else None
    if running is None:
        yield from _check_port(settings)
    elif not running.url:
        yield ok("service", "is just starting")
    else:
        yield from _ask(running)


def _ask(running: RunningService) -> Iterator[Finding]:
    # No proxy: it is asked where it said that it listens.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{running.url}/readyz", timeout=PATIENCE_S):
            yield ok("service", f"ready at {running.url}")
    except urllib.error.HTTPError as error:
        with error:
            yield warn(
                "service",
                f"{running.url} is not ready: {_detail(error.read())}",
                hint="its log says more; type palate doctor again in some seconds",
            )
    except OSError as error:
        yield fail(
            "service",
            f"process {running.pid} does not answer at {running.url}: {error}",
            hint=f"kill {running.pid}; palate serve",
        )
    if running.version and running.version != __version__:
        yield warn(
            "version",
            f"the service runs Palate {running.version}, this is {__version__}",
            hint=f"kill {running.pid}; palate serve",
        )


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body).get("detail", "it does not say why"))
    except (ValueError, AttributeError):
        return "it does not say why"


def _check_port(settings: Settings) -> Iterator[Finding]:
    host, port = settings.serve.host, settings.serve.port
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            yield warn(
                "port",
                f"{host}:{port} cannot be listened on: {error.strerror}",
                hint="palate serve --port 0 takes any port that is free",
            )
            return
    yield ok("port", f"{host}:{port} is free")
