"""The average person, learned again now and then from a sample of those whose profiles are kept.

A step at a time, beside everything else. The version of an average is the second that it was
learned, so it rises whatever was lost in between. Learned from few people it is learned again
sooner: after the usual time times the part of the wanted sample that there was.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Final

from palate.errors import StoreError
from palate.features.kept_profiles import KeptProfiles
from palate.features.profile.learn import learn_prior
from palate.features.profile.packed import PackedStatistics
from palate.features.profile.prior import Prior

__all__ = ["PriorRefresh", "refresh_prior"]

_STEP: Final = 2_000  # people looked at: some milliseconds
_LEAST: Final = 10  # people that make an average
_SECOND_US: Final = 1_000_000
_HOUR_US: Final = 3600 * _SECOND_US
_WAIT_US: Final = 60 * _SECOND_US  # where there are too few people


class PriorRefresh:
    """Learns the average person of the settings' definition when it is due.

    Args:
        profiles: Of the state; this process writes it.
        people: Wanted in the sample.
        hours: After which it is learned again.
    """

    def __init__(self, profiles: KeptProfiles, *, people: int, hours: float) -> None:
        self._profiles = profiles
        self._wanted = people
        self._hours = hours
        self._random = Random(0)
        self._left: Iterator[PackedStatistics] | None = None  # those not looked at yet
        self._sample: list[PackedStatistics] = []
        self._seen = 0
        self._not_before_us = 0

    def step(self, now_us: int) -> bool:
        """Do a little; whether there is more to do at once.

        Args:
            now_us: Microseconds since 1970 UTC.

        Raises:
            StoreError: The store cannot be read or written.
        """
        definition = self._profiles.definition
        if definition is None or not self._profiles.reaches(definition.fingerprint):
            return False
        if self._left is None:
            if now_us < self._not_before_us or now_us < self._due_us(definition.fingerprint):
                return False
            self._left = self._profiles.people(definition.fingerprint)
            self._sample, self._seen = [], 0
        try:
            part = list(islice(self._left, _STEP))
        except StoreError:
            self._left = None  # an iterator that failed has ended: begin again
            raise
        self._take(part)
        if len(part) == _STEP:
            return True
        self._left = None
        self._learn(now_us)
        return False

    def _due_us(self, fingerprint: str) -> int:
        learned = self._profiles.learned(fingerprint)
        if learned is None:
            return 0
        prior, people = learned
        part = min(people / self._wanted, 1.0)
        return prior.version * _SECOND_US + round(part * self._hours * _HOUR_US)

    def _take(self, people: list[PackedStatistics]) -> None:
        """Vitter 1985, "Random sampling with a reservoir", ACM TOMS 11(1), algorithm R."""
        for one in people:
            self._seen += 1
            if len(self._sample) < self._wanted:
                self._sample.append(one)
            elif (place := self._random.randrange(self._seen)) < self._wanted:
                self._sample[place] = one

    def _learn(self, now_us: int) -> None:
        definition = self._profiles.definition
        assert definition is not None
        if len(self._sample) < _LEAST:
            self._not_before_us = now_us + _WAIT_US
            return
        people = [one.statistics() for one in self._sample]
        version = now_us // _SECOND_US
        prior = learn_prior(people, definition, now_us, version=version, partial=True)
        self._profiles.keep_prior(prior, people=len(people))
        self._sample = []


def refresh_prior(profiles: KeptProfiles, now_us: int, *, people: int = 2000) -> Prior | None:
    """Learn the average person now, and keep it; None where there are too few people.

    Args:
        profiles: Of the state; this process writes it.
        now_us: Microseconds since 1970 UTC.
        people: In the sample.
    """
    refresh = PriorRefresh(profiles, people=people, hours=0.0)
    while refresh.step(now_us):
        pass
    definition = profiles.definition
    return None if definition is None else profiles.prior(definition.fingerprint)
