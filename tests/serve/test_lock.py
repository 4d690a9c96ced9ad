"""One service a home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from palate import __version__
from palate.errors import StoreError
from palate.serve.layout import Layout
from palate.serve.lock import RunningService, announce, only_service, running_service


def test_the_second_service_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    with only_service(tmp_path) as lock:
        with pytest.raises(StoreError, match="another service runs"), only_service(tmp_path):
            pass
        announce(lock, "http://127.0.0.1:1")
        expected = rf"process {os.getpid()}, http://127\.0\.0\.1:1"
        with pytest.raises(StoreError, match=expected), only_service(tmp_path):
            pass
    with only_service(tmp_path):
        pass


def test_whether_a_service_runs(tmp_path: Path) -> None:
    assert running_service(tmp_path) is None
    with only_service(tmp_path) as lock:
        assert running_service(tmp_path) == RunningService(0, "")
        announce(lock, "http://x")
        assert running_service(tmp_path) == RunningService(os.getpid(), "http://x", __version__)
    assert running_service(tmp_path) is None


def test_a_lock_file_left_behind_stops_nobody(tmp_path: Path) -> None:
    Layout(tmp_path).run.mkdir()
    Layout(tmp_path).lock.write_text('{"pid": 1, "url": "http://gone"}')
    assert running_service(tmp_path) is None
    with only_service(tmp_path):
        assert running_service(tmp_path) == RunningService(0, "")
