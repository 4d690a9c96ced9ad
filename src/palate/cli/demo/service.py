"""The demo's service: a real `palate serve`, started as a child and ended with the demo."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from palate.cli.demo.client import Client

__all__ = ["free_port", "serving"]

READY_WITHIN_S = 90.0  # kernels may have to be compiled first
END_WITHIN_S = 15.0
HOST = "127.0.0.1"


def free_port(wanted: int) -> int:
    """`wanted` where nobody listens on it, or any free port; 0 asks for any."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free")


@contextmanager
def serving(
    home: Path, settings: Path, *, port: int
) -> Iterator[tuple[Client, subprocess.Popen[bytes]]]:
    """Run `palate serve` on `home` until the block ends; what it logs goes to a file.

    Yields:
        A client of it, ready, and its process.
    """
    log = home / "serve.log"
    command = [sys.executable, "-m", "palate.cli", "serve", "--port", str(port)]
    command += ["--settings", str(settings), "--home", str(home), "--quiet"]
    with log.open("ab") as output:
        # A session of its own: Ctrl-C reaches the demo alone, which then ends the service.
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        client = Client(f"http://{HOST}:{port}")
        client.wait_until_ready(within_s=READY_WITHIN_S, alive=lambda: process.poll() is None)
        yield client, process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
