"""What questions need is loaded with the release: the first counts in budgets as any other."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from palate.config import Settings
from palate.features.profile.layout import ProfileLayout
from palate.features.profile.packed import PackedStatistics
from palate.models.realtime.nets import Nets
from palate.pipeline.run import Pipeline
from palate.retrieval.index.local import LocalIndex
from palate.testing.service import InProcessService

# In a process of its own, where nothing was loaded before: kernels loaded by the first question.
SCRIPT = """
import gc, sys
from numba.core.dispatcher import Dispatcher
from palate.config import Settings
from palate.testing.service import InProcessService

def loaded():
    found = (one for one in gc.get_objects() if isinstance(one, Dispatcher))
    return {(one.__module__, one.__name__, str(types)) for one in found for types in one.signatures}

with InProcessService(Settings.model_validate_json(sys.stdin.read())) as service:
    before = loaded()
    question = {"user_id": "van", "surface": "neighbours"}
    answered = service.request("POST", "/v1/recommendations", question).json
    assert answered["degraded"] is False, answered
    print(*sorted(loaded() - before), sep="\\n")
"""


@pytest.mark.slow
def test_the_first_question_loads_no_kernel(market: Settings) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=market.model_dump_json(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == ""


def test_an_index_is_searched_before_and_the_first_question_runs_once(
    market: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    search, run = LocalIndex.search, Pipeline.run

    def searched(index: LocalIndex, *args: Any, **options: Any) -> Any:
        done.append("search")
        return search(index, *args, **options)

    def asked(pipeline: Pipeline, *args: Any) -> Any:
        done.append("run")
        return run(pipeline, *args)

    monkeypatch.setattr(LocalIndex, "search", searched)
    monkeypatch.setattr(Pipeline, "run", asked)
    with InProcessService(market) as service:
        assert "search" in done
        done.clear()
        question = {"user_id": "van", "surface": "neighbours"}
        assert service.request("POST", "/v1/recommendations", question).status == 200
    assert done == ["run", "search"]


def test_nets_and_profiles_are_read_as_a_question_reads_them(
    market: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    writable: list[bool] = []
    ranked: list[int] = []
    vector, rank = ProfileLayout.vector, Nets.rank

    def read(layout: ProfileLayout, statistics: PackedStatistics, now_us: int) -> Any:
        writable.append(bool(statistics.words.flags.writeable))
        return vector(layout, statistics, now_us)

    def scored(nets: Nets, user: Any, items: Any, features: Any = None) -> Any:
        ranked.append(len(items))
        found = rank(nets, user, items, features)
        assert np.isfinite(found).all()
        return found

    monkeypatch.setattr(ProfileLayout, "vector", read)
    monkeypatch.setattr(Nets, "rank", scored)
    with InProcessService(market):
        assert set(writable) == {False, True}, "a user's, and a visitor's who signed in"
        assert max(ranked) == 500
