"""Checks of the event log and of what follows it: state and consumer groups."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from palate.cli.doctor.finding import Finding, fail, ok, warn
from palate.errors import PalateError

if TYPE_CHECKING:
    from palate.cli.workspace import Workspace
    from palate.events.log.groups import Group
    from palate.events.log.sqlite import SqliteEventLog
    from palate.features.state import State

__all__ = ["check_groups", "check_log", "check_state"]

AHEAD_S = 60.0  # an event from so far ahead of this clock means that a clock is wrong
LAG_EVENTS = 100_000
LAG_S = 86_400.0
PAGE = 1000


def check_log(workspace: Workspace) -> Iterator[Finding]:
    """Whether the log can be read, and whether its newest event is from the future."""
    if not (workspace.home / "events" / "log.sqlite").exists():
        yield warn("log", "none yet", hint="palate import ml-100k, or palate serve")
        return
    try:
        with workspace.log() as log:
            head = log.head()
            newest = log.read(head - 1, limit=1) if head else []
    except PalateError as error:
        yield fail("log", error.message, hint=error.hint or "palate restore BACKUP --force")
        return
    yield ok("log", f"{head:,} events")
    ahead_s = newest[0].event.received_at / 1e6 - time.time() if newest else 0.0
    if ahead_s > AHEAD_S:
        yield warn(
            "log's clock",
            f"the newest event was received {ahead_s:,.0f} s ahead of this clock",
            hint="set the clock: timedatectl",
        )


def check_groups(workspace: Workspace) -> Iterator[Finding]:
    """Whether a consumer group is far behind: the log keeps all that it has not committed."""
    try:
        with workspace.log() as log:
            head, groups = log.head(), log.groups()
            for group in groups:
                yield from _judge_group(log, head, group)
    except PalateError:
        return  # `check_log` has said it
    if groups:
        yield ok("groups", f"{len(groups)} known")


def _judge_group(log: SqliteEventLog, head: int, group: Group) -> Iterator[Finding]:
    lag = head - group.committed
    if lag <= 0:
        return
    waiting = log.read(group.committed, limit=1)
    waits_s = time.time() - waiting[0].event.received_at / 1e6 if waiting else 0.0
    if lag > LAG_EVENTS or waits_s > LAG_S:
        active = group.owner is not None and group.lease_until > time.time()
        who = f"{group.owner} is at work" if active else "nobody consumes it"
        yield warn(
            "groups",
            f"{group.name} is {lag:,} events and {waits_s / 3600:,.1f} h behind; {who}",
            hint="start its consumer: until it commits, the log is not trimmed; or skip what it "
            f"missed: palate events replay --group {group.name} --from {head + 1} --reset",
        )


def check_state(workspace: Workspace, *, deep: bool) -> Iterator[Finding]:
    """Whether the state reflects the whole log; with `deep`, whether every value can be read."""
    from palate.store.chosen import has_online_store

    rebuild = f"{_clears_the_state(workspace)}; palate serve rebuilds it"
    try:
        with workspace.log() as log, workspace.state() as state:
            behind = log.head() - state.offset()
            current = state.is_current()
            if deep:
                read = _read_all(state)
    except PalateError as error:
        if has_online_store(workspace.home, workspace.settings):
            yield fail("state", error.message, hint=error.hint or rebuild)
        else:
            yield warn("state", "none yet", hint="palate serve builds it from the log")
        return
    if behind < 0:
        yield fail(
            "state",
            f"{-behind:,} events ahead of the log: it belongs to another log",
            hint=rebuild,
        )
    elif behind > 0:
        yield warn(
            "state", f"{behind:,} events behind the log", hint="palate serve catches up by itself"
        )
    elif not current:
        yield warn(
            "state",
            "made with another [serve] history_limit or version",
            hint="palate serve rebuilds it by itself",
        )
    else:
        yield ok("state", "reflects the whole log" + (f"; {read:,} values read" if deep else ""))


def _clears_the_state(workspace: Workspace) -> str:
    store = workspace.settings.store
    if store.url is None:
        return f"rm -r {workspace.home / 'state'}"
    names = " ".join(f"'{{{store.namespace}}}:{what}'" for what in ("values", "order"))
    return f"redis-cli UNLINK {names}"


def _read_all(state: State) -> int:
    """How many users and items it holds; reads and decodes each."""
    count = 0
    user: str | None = None
    while users := state.users(after=user, limit=PAGE):
        for user in users:
            state.user(user)
        count += len(users)
    item: str | None = None
    while items := state.items(after=item, limit=PAGE):
        item = items[-1][0]
        count += len(items)
    return count
