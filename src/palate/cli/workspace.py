"""What lies under `home`, opened for reading: log, state, releases, runs, and data from the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from palate.config import Settings
    from palate.data.dataset import Dataset
    from palate.evaluate.comparison import Comparison
    from palate.events.log.base import EventLog, Record
    from palate.events.log.sqlite import SqliteEventLog
    from palate.features.state import State
    from palate.release.registry import Releases
    from palate.types import Progress

__all__ = ["Workspace"]


class Workspace:
    """Reads beside a running service: nothing here takes the writer's lock."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home

    @contextmanager
    def log(self) -> Iterator[SqliteEventLog]:
        """The event log, read-only.

        Raises:
            LogError: There is none yet.
        """
        from palate.features.ingest import open_log

        with open_log(self.home, self.settings, read_only=True) as log:
            yield log

    @contextmanager
    def state(self) -> Iterator[State]:
        """What is known of users and items now, read-only.

        Raises:
            StoreError: There is none yet.
        """
        from palate.features.ingest import open_state

        state = open_state(self.home, self.settings, read_only=True)
        try:
            yield state
        finally:
            state.close()

    @contextmanager
    def releases(self) -> Iterator[Releases]:
        """The registry of releases; made empty where there is none."""
        from palate.release.registry import open_releases

        with closing(open_releases(self.home)) as releases:
            yield releases

    def record(self, comparison: Comparison) -> None:
        """Put every row of a comparison on record."""
        from palate.evaluate.runs import REGISTRY, Runs
        from palate.store.database import Database

        with closing(Database(self.home / REGISTRY)) as database:
            Runs(database).record(comparison)

    def dataset(self, progress: Progress, *, name: str = "log") -> Dataset:
        """Everything in the log as a dataset.

        Raises:
            LogError: There is no log.
            DataError: It holds no interaction.
        """
        from palate.data.from_log import dataset_from_records

        with self.log() as log:
            return dataset_from_records(_all(log, progress), self.settings.schema_, name=name)

    def shown(self) -> pl.DataFrame:
        """What the newest slates in the log showed, and what became of it.

        Raises:
            LogError: There is no log.
        """
        from palate.data.shown import shown_in

        with self.log() as log:
            return shown_in(log)


def _all(log: EventLog, progress: Progress) -> Iterator[Record]:
    """Every record, oldest first."""
    from palate.events.log.base import batches

    head = log.head()
    for batch in batches(log):
        yield from batch
        progress(batch[-1].offset, head, "reading the log")
