"""`/metrics` as Prometheus reads it: by its own parser, by its linter, and by its conventions."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from palate.events.schema import Event
from palate.serve.counters import CELLS, OTHER_STATUS, ROUTES, STATUSES, Counters, read_cells
from palate.serve.counters import reset_states as reset
from palate.serve.exposition import MOST_GROUPS, exposition
from palate.serve.problem import TITLES
from palate.serve.processes import read_processes
from palate.serve.routes.table import ENDPOINTS
from palate.serve.standing import Standing
from palate.testing.service import InProcessService

UNITS = ("_total", "_seconds", "_bytes", "_info", "_events")
# Without a unit: a place in the log, and plain numbers of things.
COUNTED = {
    "palate_log_head_offset",
    "palate_connections",
    "palate_requests_in_progress",
    "palate_process_open_fds",
}
LABELS = {"route", "status", "verdict", "le", "process", "group", "alias", "release", "version"}


def scraped(service: InProcessService) -> dict[str, Metric]:
    text = service.request("GET", "/metrics").body.decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families: dict[str, Metric], name: str, **labels: str) -> float:
    found = [s.value for f in families.values() for s in f.samples
             if s.name == name and s.labels == labels]  # fmt: skip
    assert len(found) == 1, (name, labels, found)
    return float(found[0])


def used(service: InProcessService) -> InProcessService:
    """After a request of each kind, so that no family is empty."""
    service.request("POST", "/v1/recommendations", {"user_id": "ann"})
    service.request("POST", "/v1/events", [{"event": "click", "user_id": "u", "item_id": "c0"}])
    service.request("GET", "/v1/items/secret-item")
    service.request("GET", "/v1/users/secret-user")
    service.ingest.log.commit("warehouse", 1)
    return service


def test_names_kinds_and_labels_follow_the_conventions(service: InProcessService) -> None:
    families = scraped(used(service))
    for family in families.values():
        assert re.fullmatch(r"palate_[a-z_]+[a-z]", family.name)
        assert family.documentation.endswith("."), family.name
        whole = family.name + ("_total" if family.type == "counter" else "")
        assert whole.endswith(UNITS) or whole in COUNTED, whole
        assert (family.type == "counter") == whole.endswith("_total"), whole
        for sample in family.samples:
            assert set(sample.labels) <= LABELS
            assert not any("secret" in label for label in sample.labels.values())


def test_the_linter_of_prometheus_finds_nothing(service: InProcessService) -> None:
    """`promtool check metrics`, where Prometheus is installed; else what it is known to look at."""
    text = used(service).request("GET", "/metrics").body
    promtool = shutil.which("promtool")
    if promtool is not None:
        done = subprocess.run(
            [promtool, "check", "metrics"], input=text, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, b"")
    lines = text.decode().splitlines()
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names)), "each family stands once"
    assert not [n for n in names if re.search(r"(milli|micro|minutes|kilo|_count$|_sum$)", n)]
    samples = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(samples) == len(set(samples)), "each series stands once"


def test_a_histogram_adds_up(service: InProcessService) -> None:
    families = scraped(used(service))
    buckets = [s for s in families["palate_request_seconds"].samples if s.name.endswith("_bucket")]
    for route in {s.labels["route"] for s in buckets}:
        counts = [s.value for s in buckets if s.labels["route"] == route]
        assert counts == sorted(counts)
        assert counts[-1] == value(families, "palate_request_seconds_count", route=route)
        assert value(families, "palate_request_seconds_sum", route=route) > 0


def test_what_stands_where(service: InProcessService) -> None:
    before = service.ingest.log.head()
    service.ingest.append([Event(event="click", user_id="u", item_id="c0")] * 0 or [
        Event(event="click", user_id="u", item_id="c0", event_id=f"e{n}") for n in range(5)
    ])  # fmt: skip
    service.ingest.log.commit("warehouse", before)
    service.ingest.log.lease("never-commits", "job", ttl_s=1.0)
    families = scraped(service)
    assert value(families, "palate_log_head_offset") == before + 5
    assert value(families, "palate_state_lag_events") == 0
    assert value(families, "palate_group_lag_events", group="warehouse") == 5
    assert value(families, "palate_group_lag_events", group="never-commits") == before + 5
    assert value(families, "palate_home_free_bytes") > 0
    assert value(families, "palate_release_info", alias="stable", release="taste:1") == 1


def test_a_state_that_cannot_be_read_costs_its_figures_alone(service: InProcessService) -> None:
    service.context.state.close()
    families = scraped(service)
    assert "palate_log_head_offset" not in families
    assert "palate_requests" in families


def test_requests_in_progress_come_and_go(service: InProcessService) -> None:
    assert value(scraped(service), "palate_requests_in_progress") == 1, "the scrape itself"
    assert read_cells([service.context.layout.counters("worker-0")])[CELLS["in_progress"]] == 0


def test_processes_that_live_are_shown(service: InProcessService) -> None:
    families = scraped(service)
    assert value(families, "palate_process_starts_total", process="worker-0") == 1
    assert value(families, "palate_process_resident_memory_bytes", process="worker-0") > 1 << 20
    assert value(families, "palate_process_open_fds", process="worker-0") > 3
    assert value(families, "palate_process_cpu_seconds_total", process="worker-0") > 0


def test_what_a_killed_process_left_is_forgotten_but_its_counts_stay(tmp_path: Path) -> None:
    killed = Counters(tmp_path / "worker-9.bin")  # never closed
    killed.begin()
    killed.set_queue(7)
    killed.degraded()
    assert [process.name for process in read_processes(tmp_path)] == ["worker-9"]
    (tmp_path / "other.bin").write_bytes(b"not ours")
    reset(tmp_path)
    assert read_processes(tmp_path) == []
    cells = read_cells([tmp_path / "worker-9.bin"])
    assert (cells[CELLS["queue"]], cells[CELLS["in_progress"]], cells[CELLS["degraded"]]) == (
        0, 0, 1
    )  # fmt: skip
    again = Counters(tmp_path / "worker-9.bin")
    (process,) = read_processes(tmp_path)
    assert process.starts == 2
    again.close()
    assert read_processes(tmp_path) == []


def test_a_process_that_has_gone_is_not_shown(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    counters = Counters(tmp_path / "worker-0.bin")
    counters._cells[CELLS["pid"]] = gone.pid
    assert read_processes(tmp_path) == []


def test_labels_are_bounded_whatever_comes(tmp_path: Path) -> None:
    counters = Counters(tmp_path / "a.bin")
    for status in range(100, 600):
        counters.request("none", status, 0.1)
    standing = Standing(5, 5, {f"group-{n}": n % 5 for n in range(10 * MOST_GROUPS)}, 1)
    text = exposition(tmp_path, {}, standing=standing)
    assert text.count("palate_requests_total{") == len(STATUSES)
    assert f'status="other"}} {500 - (len(STATUSES) - 1)}' in text
    shown = re.findall(r"palate_group_lag_events{.*} (\d)", text)
    assert shown == ["5"] * MOST_GROUPS, "those furthest behind"


@pytest.mark.parametrize(
    ("known", "there_are"),
    [(ROUTES, [e.name for e in ENDPOINTS] + ["none"]), (STATUSES, [200, *TITLES, OTHER_STATUS])],
    ids=["routes", "statuses"],
)
def test_every_route_and_status_has_a_count(
    known: Iterable[object], there_are: Iterable[object]
) -> None:
    assert set(there_are) <= set(known)
