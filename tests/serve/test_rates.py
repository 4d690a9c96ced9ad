"""Token buckets: exact by the clock, one for all workers, none the worse for a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from palate.config import Settings
from palate.serve.rates import Rates
from palate.store.key import Key, KeyLimits, Scope
from palate.testing.process import OtherProcess
from palate.testing.service import InProcessService


def key(rate: float | None, burst: int | None = None, number: int = 1) -> Key:
    limits = KeyLimits(rate, burst)
    return Key(number, "id", "name", frozenset({Scope.READ}), limits, datetime.now(UTC))


@pytest.fixture
def rates(tmp_path: Path) -> Iterator[Rates]:
    rates = Rates(tmp_path / "rates.bin")
    yield rates
    rates.close()


def admitted(rates: Rates, one: Key, at: float, tries: int) -> int:
    return sum(rates.wait_s(one, at) == 0.0 for _ in range(tries))


def test_a_burst_and_then_the_rate(rates: Rates) -> None:
    one = key(2.0, 5)
    assert admitted(rates, one, 100.0, 20) == 5
    assert rates.wait_s(one, 100.0) == pytest.approx(0.5)
    assert admitted(rates, one, 100.4, 20) == 0
    assert admitted(rates, one, 100.5, 20) == 1
    assert admitted(rates, one, 102.0, 20) == 3
    assert admitted(rates, one, 1000.0, 20) == 5, "no more than a burst is saved up"


def test_over_a_minute_it_is_the_rate(rates: Rates) -> None:
    one = key(10.0)
    asked = [1000.0 + n / 100 for n in range(6000)]
    assert sum(rates.wait_s(one, at) == 0.0 for at in asked) == pytest.approx(10 + 600, abs=1)


@pytest.mark.parametrize(("rate", "first"), [(0.5, 1), (1.0, 1), (3.0, 3), (None, 50)])
def test_without_a_burst_it_is_a_seconds_worth(
    rates: Rates, rate: float | None, first: int
) -> None:
    assert admitted(rates, key(rate), 10.0, 50) == first


def test_keys_do_not_pay_for_each_other(rates: Rates) -> None:
    assert admitted(rates, key(1.0, 3), 10.0, 9) == 3
    assert admitted(rates, key(1.0, 3, number=2), 10.0, 9) == 3


def test_t10_workers_share_a_bucket(tmp_path: Path) -> None:
    one, two = Rates(tmp_path / "rates.bin"), Rates(tmp_path / "rates.bin")
    limited = key(1.0, 10)
    assert admitted(one, limited, 10.0, 6) + admitted(two, limited, 10.0, 6) == 10
    one.close()
    two.close()


def test_two_processes_at_once_stay_near_the_rate(tmp_path: Path) -> None:
    """Each tries 4,000 times at one moment: the bucket holds 1,000, and next to no lost updates."""
    path = tmp_path / "rates.bin"
    Rates(path).close()
    source = f"""
from datetime import datetime, UTC
from pathlib import Path
from palate.serve.rates import Rates
from palate.store.key import Key, KeyLimits, Scope
rates = Rates(Path({str(path)!r}))
key = Key(1, "id", "n", frozenset({{Scope.READ}}), KeyLimits(1.0, 1000), datetime.now(UTC))
print("ready", flush=True)
input()
print(sum(rates.wait_s(key, 1000.0) == 0.0 for _ in range(4_000)), flush=True)
"""
    with OtherProcess(source) as one, OtherProcess(source) as two:
        for process in (one, two):
            assert process.line() == "ready"
        for process in (one, two):
            process.say("go")
        total = int(one.line()) + int(two.line())
    assert 1000 <= total <= 1010


def test_after_the_machine_was_started_again_nobody_waits_for_the_old_clock(rates: Rates) -> None:
    one = key(1.0, 3)
    assert admitted(rates, one, 5_000_000.0, 9) == 3
    assert admitted(rates, one, 10.0, 9) == 3


def test_t10_a_limited_key_is_told_when_to_come_again(
    settings: Settings, make_key: Callable[..., str]
) -> None:
    secret = make_key(settings.home, Scope.READ, limits=KeyLimits(0.01, 2))
    headers = {"authorization": f"Bearer {secret}"}
    with InProcessService(settings) as service:
        statuses = [service.request("GET", "/v1/popular", headers=headers).status for _ in "ab"]
        assert statuses == [200, 200]
        refused = service.request("GET", "/v1/popular", headers=headers)
        assert refused.status == 429
        assert 90 <= int(refused.headers["retry-after"]) <= 100
        assert refused.json["type"] == "urn:palate:problem:too-many-requests"
        assert service.request("GET", "/healthz", headers=headers).status == 200
