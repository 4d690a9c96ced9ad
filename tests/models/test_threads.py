"""Parts cover the range once, whatever the threads; errors come out."""

from __future__ import annotations

import pytest

from palate.models.threads import in_parts, thread_count


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("n", "step"), [(0, 4), (1, 4), (4, 4), (10, 4), (10, 100)])
def test_covers_the_range(n: int, step: int, threads: int) -> None:
    done: list[int] = []
    in_parts(lambda a, b: done.extend(range(a, b)), n, step, threads=threads)
    assert sorted(done) == list(range(n))


@pytest.mark.parametrize("threads", [1, 2])
def test_errors_come_out(threads: int) -> None:
    def work(start: int, stop: int) -> None:
        if start == 4:
            raise ValueError("part 4")

    with pytest.raises(ValueError, match="part 4"):
        in_parts(work, 10, 2, threads=threads)


def test_what_is_left_is_done_after_an_error() -> None:
    done: list[int] = []

    def work(start: int, stop: int) -> None:
        if start == 0:
            raise ValueError("part 0")
        done.append(start)

    with pytest.raises(ValueError, match="part 0"):
        in_parts(work, 100, 1, threads=2)
    assert done == list(range(1, 100))


def test_there_is_a_thread() -> None:
    assert thread_count() >= 1
