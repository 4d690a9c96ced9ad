"""A topic that several indexes of one process follow: what one of them read is not read again."""

from __future__ import annotations

from palate.events.log.base import Record
from palate.retrieval.indexer import Topic

__all__ = ["SharedPages"]


class SharedPages:
    """A `Topic` that keeps the last page: indexes of two spaces follow it one after the other.

    A record never changes, so whoever goes on from the same offset gets the same records; newer
    ones are in the page behind. A page without records is not kept.

    Args:
        topic: Read beside its owner. Threads may share it.
    """

    def __init__(self, topic: Topic) -> None:
        self._topic = topic
        self._page: tuple[int, int, list[Record]] | None = None

    def read(self, after: int = 0, *, limit: int = 1000) -> list[Record]:
        """Records with an offset above `after`, oldest first; at most `limit`.

        Raises:
            LogError: The topic cannot be read.
        """
        page = self._page
        if page is not None and page[:2] == (after, limit):
            return page[2]
        records = self._topic.read(after, limit=limit)
        if records:
            self._page = after, limit, records
        return records

    def head(self) -> int:
        """The newest offset; 0 for an empty topic."""
        return self._topic.head()

    def start(self) -> int:
        """The offset from which the topic is whole."""
        return self._topic.start()
