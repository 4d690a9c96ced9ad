"""Counters across processes, and how Prometheus reads them."""

from __future__ import annotations

from pathlib import Path

from palate.serve.counters import BUCKETS_S, Counters
from palate.serve.exposition import exposition
from palate.types import Verdict


def values(folder: Path, releases: dict[str, str] | None = None) -> dict[str, float]:
    lines = exposition(folder, releases or {}).splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_two_processes_add_up(tmp_path: Path) -> None:
    one, two = Counters(tmp_path / "worker-0.bin"), Counters(tmp_path / "worker-1.bin")
    one.request("events", 200, 0.003)
    two.request("events", 200, 0.3)
    two.request("events", 400, 99.0)
    one.events(Verdict.ACCEPTED, 3)
    two.events(Verdict.ACCEPTED, 4)
    two.degraded()
    two.swapped()
    one.refused()
    one.commit(5, 0.001)
    one.set_queue(9)
    found = values(tmp_path)
    assert found['palate_requests_total{route="events",status="200"}'] == 2
    assert found['palate_requests_total{route="events",status="400"}'] == 1
    assert found['palate_request_seconds_bucket{route="events",le="0.0025"}'] == 0
    assert found['palate_request_seconds_bucket{route="events",le="0.005"}'] == 1
    assert found['palate_request_seconds_bucket{route="events",le="0.5"}'] == 2
    assert found['palate_request_seconds_bucket{route="events",le="2.5"}'] == 2
    assert found['palate_request_seconds_bucket{route="events",le="+Inf"}'] == 3
    assert found['palate_request_seconds_count{route="events"}'] == 3
    assert found['palate_request_seconds_sum{route="events"}'] == 99.303
    assert found['palate_events_total{verdict="accepted"}'] == 7
    assert found['palate_events_total{verdict="retry"}'] == 0
    assert found["palate_degraded_total"] == 1
    assert found["palate_alias_swaps_total"] == 1
    assert found["palate_bundles_refused_total"] == 1
    assert found["palate_writer_commits_total"] == 1
    assert found["palate_writer_events_total"] == 5
    assert found["palate_writer_queue_events"] == 9


def test_a_bound_belongs_to_its_bucket(tmp_path: Path) -> None:
    counters = Counters(tmp_path / "a.bin")
    for bound in BUCKETS_S:
        counters.request("items", 200, bound)
    found = values(tmp_path)
    for n, bound in enumerate(BUCKETS_S, 1):
        assert found[f'palate_request_seconds_bucket{{route="items",le="{bound}"}}'] == n


def test_a_restarted_process_goes_on_counting(tmp_path: Path) -> None:
    first = Counters(tmp_path / "a.bin")
    first.degraded()
    first.close()
    Counters(tmp_path / "a.bin").degraded()
    assert values(tmp_path)["palate_degraded_total"] == 2


def test_a_file_of_another_version_starts_anew(tmp_path: Path) -> None:
    Counters(tmp_path / "a.bin").degraded()
    other = (tmp_path / "a.bin").read_bytes()
    (tmp_path / "a.bin").write_bytes(b"x" + other[1:])
    (tmp_path / "b.bin").write_bytes(b"short")
    assert values(tmp_path)["palate_degraded_total"] == 0
    Counters(tmp_path / "a.bin").degraded()
    assert values(tmp_path)["palate_degraded_total"] == 1


def test_labels_are_escaped(tmp_path: Path) -> None:
    text = exposition(tmp_path, {'a"b\\c\nd': "movies:1"})
    assert 'palate_release_info{alias="a\\"b\\\\c\\nd",release="movies:1"} 1' in text


def test_every_family_has_help_and_type_once(tmp_path: Path) -> None:
    Counters(tmp_path / "a.bin").request("items", 200, 1)
    lines = exposition(tmp_path, {"stable": "a:1"}).splitlines()
    types = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert types == [line.split()[2] for line in lines if line.startswith("# HELP")]
    assert len(types) == len(set(types))
    families = tuple(types)
    assert all(line.startswith(families) for line in lines if not line.startswith("#"))
