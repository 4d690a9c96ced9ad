"""The course of a request: time, faults, rests, and what is noted of them."""

from __future__ import annotations

import logging

import pytest
from tests.pipeline.fakes import Clock

from palate.errors import DataError
from palate.pipeline.breaker import REST_S, TRIPS, Breaker
from palate.pipeline.course import Course, Degraded, Late


def course(clock: Clock, breakers: dict[str, Breaker] | None = None) -> Course:
    return Course(clock, 50, breakers or {}, {"a": 5.0})


def test_what_went_well_is_a_step() -> None:
    clock = Clock()
    run = course(clock)

    def work() -> str:
        clock.pass_ms(7)
        return "done"

    assert run.attempt("stage", work, lambda: "fallback") == "done"
    run.left("stage", 3)
    run.left("another", 4)
    (step,) = run.steps
    assert (step.stage, step.items, step.budget_ms) == ("stage", 3, 50)  # the request's
    assert step.ms == pytest.approx(7)
    assert run.degraded == []
    assert run.late == []


@pytest.mark.parametrize("optional", [False, True])
def test_what_takes_longer_than_its_budget_is_late_and_counts(*, optional: bool) -> None:
    clock = Clock()
    run = course(clock)

    takes = iter((4, 6, 8))

    def work() -> str:
        clock.pass_ms(next(takes))
        return "done"

    for _ in range(3):
        assert run.attempt("a", work, lambda: "fallback", optional=optional) == "done"
    assert [(one.stage, one.budget_ms) for one in run.late] == [("a", 5), ("a", 5)]
    assert [one.ms for one in run.late] == pytest.approx([6, 8])
    assert isinstance(run.late[0], Late)
    assert run.degraded == []


def test_a_failure_is_not_late() -> None:
    clock = Clock()
    run = course(clock)

    def work() -> str:
        clock.pass_ms(100)
        raise RuntimeError

    assert run.attempt("a", work, lambda: "fallback") == "fallback"
    assert (run.late, run.steps) == ([], [])


@pytest.mark.parametrize("error", [RuntimeError("x"), DataError("x"), KeyError("x"), OSError("x")])
def test_what_fails_falls_back_and_is_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    run = course(Clock())

    def work() -> str:
        raise error

    with caplog.at_level(logging.WARNING):
        assert run.attempt("stage", work, lambda: "fallback") == "fallback"
    assert run.degraded == [Degraded("stage", f"failed: {type(error).__name__}")]
    assert "stage stage failed" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_the_end_of_the_process_is_no_fault(error: BaseException) -> None:
    def work() -> str:
        raise error

    with pytest.raises(type(error)):
        course(Clock()).attempt("stage", work, lambda: "fallback")


def test_after_the_budget_optional_work_is_skipped_and_the_rest_is_not() -> None:
    clock = Clock()
    run = course(clock)
    before = run.in_time
    clock.pass_ms(51)
    assert (before, run.in_time) == (True, False)
    assert run.attempt("a", lambda: 1, lambda: 2) == 2
    assert run.attempt("b", lambda: 1, lambda: 2, optional=False) == 1
    assert [d.stage for d in run.degraded] == ["a"]


def test_a_stage_is_noted_once() -> None:
    run = course(Clock())
    run.fell_back("a", "first")
    run.fell_back("a", "second")
    assert run.degraded == [Degraded("a", "first")]


def test_faults_in_a_row_send_a_stage_to_rest_and_one_trial_ends_it() -> None:
    clock, breaker = Clock(), Breaker()
    slow = True

    def work() -> int:
        clock.pass_ms(10 if slow else 1)
        return 1

    def once() -> int:
        run = course(clock, {"a": breaker})
        return run.attempt("a", work, lambda: 0)

    assert [once() for _ in range(TRIPS)] == [1] * TRIPS
    assert once() == 0
    clock.pass_ms(REST_S * 1e3 + 1)
    assert once() == 1  # the trial, slow again
    assert once() == 0
    clock.pass_ms(REST_S * 1e3 + 1)
    slow = False
    assert [once() for _ in range(5)] == [1] * 5


def test_what_cannot_be_left_out_never_rests_and_ends_no_rest() -> None:
    clock, breaker = Clock(), Breaker()

    def work() -> int:
        clock.pass_ms(10)
        return 1

    for _ in range(5 * TRIPS):
        run = course(clock, {"a": breaker})
        assert run.attempt("a", work, lambda: 0, optional=False) == 1
        assert [one.stage for one in run.late] == ["a"]
    assert not breaker.rests(clock())


def test_faults_with_successes_between_them_are_pauses() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.went_wrong(0.0)
        breaker.went_wrong(0.0)
        breaker.went_well()
    assert not breaker.rests(0.0)
