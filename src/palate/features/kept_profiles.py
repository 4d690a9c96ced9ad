"""The profiles in a state: of which definitions, whose, and how far they reach.

The register names the definitions: the settings' own, and the one before it. It is written with
the state, so profiles of a definition that stands in it reach as far as the state does. A new
definition is filled from the log before it stands there; the one before it stays, kept up to date,
for the way back. Without `[profile]` nothing is kept, and nothing of this is imported but names.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from palate.errors import StoreError
from palate.events.log.base import EventLog
from palate.features.keys import ANONYMOUS, LINK, META, PAST, PROFILE, USER, key
from palate.features.people import Puts
from palate.store.base import OnlineStore
from palate.types import Progress

if TYPE_CHECKING:
    from palate.features.profile.definition import ProfileDefinition
    from palate.features.profile.packed import PackedStatistics
    from palate.features.profile.prior import Prior
    from palate.features.profile_changes import EvidenceCache

__all__ = ["KeptProfiles", "erased"]

_REGISTER: Final = META + b"profiles"
_PRIOR: Final = META + b"prior:"  # and the fingerprint: the average person
_KEPT: Final = 2  # definitions at a time
_PREFIX: Final = len(PROFILE) + 8  # bytes before a person's key
_PART: Final = 10_000  # keys deleted at once


class KeptProfiles:
    """Profiles of people by definition. One process writes, any may read.

    Args:
        store: Of the state.
        definition: Of the settings; None where they want no profiles.
    """

    def __init__(self, store: OnlineStore, definition: ProfileDefinition | None) -> None:
        self.definition = definition
        self._store = store
        self._raw: bytes | None = None
        self._kept: list[EvidenceCache] = []
        self._followed: list[EvidenceCache] | None = None
        self._own: tuple[ProfileDefinition, str] | None = None  # with its fingerprint

    # ------------------------------------------------------------------ read

    def kept(self) -> list[EvidenceCache]:
        """Of each definition whose profiles reach as far as the state, the settings' own last.

        Raises:
            StoreError: Another version of Palate wrote the register.
        """
        raw = self._store.get(_REGISTER)
        if raw != self._raw:
            from palate.features.profile_changes import EvidenceCache

            known = {one.fingerprint: one for one in self._kept}
            found = [] if raw is None else _definitions(raw)
            self._kept = [known.get(one.fingerprint) or EvidenceCache(one) for one in found]
            self._raw = raw
        return self._kept

    def reaches(self, fingerprint: str) -> bool:
        """Whether the profiles of a definition reach as far as the state: a release may need it."""
        return any(one.fingerprint == fingerprint for one in self.kept())

    def user(self, user_id: str, fingerprint: str | None = None) -> PackedStatistics | None:
        """What is kept of a user; None for one of whom nothing is known.

        Args:
            user_id: Who.
            fingerprint: Of a definition that is kept; the settings' own by default.

        Raises:
            StoreError: No profiles of that definition are kept.
        """
        return self._of(key(USER, user_id), fingerprint)

    def visitor(self, anonymous_id: str, fingerprint: str | None = None) -> PackedStatistics | None:
        """As `user`, for a visitor alone; None as well for one who was identified."""
        return self._of(key(ANONYMOUS, anonymous_id), fingerprint)

    def people(self, fingerprint: str) -> Iterator[PackedStatistics]:
        """Of everybody, users and visitors, in no useful order.

        Raises:
            StoreError: No profiles of that definition are kept.
        """
        found = self._cache(fingerprint)
        return (found.packing.read(raw) for _, raw in self._store.scan(found.prefix))

    def prior(self, fingerprint: str) -> Prior | None:
        """The average person under a definition; None before one was learned."""
        learned = self.learned(fingerprint)
        return None if learned is None else learned[0]

    def learned(self, fingerprint: str) -> tuple[Prior, int] | None:
        """The average person, and from how many people it was learned."""
        raw = self._store.get(_PRIOR + fingerprint.encode())
        if raw is None:
            return None
        from palate.features.profile.prior import Prior

        return msgspec.json.decode(raw, type=tuple[Prior, int])

    def _of(self, who: bytes, fingerprint: str | None) -> PackedStatistics | None:
        cache = self._cache(self._fingerprint() if fingerprint is None else fingerprint)
        raw = self._store.get(cache.prefix + who)
        return None if raw is None else cache.packing.read(raw)

    def _fingerprint(self) -> str:
        """Of the settings' own definition, computed once."""
        if self.definition is None:
            raise StoreError("no profiles are kept", hint="add a table [profile] to the settings")
        if self._own is None or self._own[0] is not self.definition:
            self._own = (self.definition, self.definition.fingerprint)
        return self._own[1]

    def _cache(self, fingerprint: str) -> EvidenceCache:
        for _ in range(2):
            for one in self._kept:
                if one.fingerprint == fingerprint:
                    return one
            self.kept()
        raise StoreError(
            f"no profiles of definition {fingerprint} are kept",
            hint="start the service with its [profile] settings: it fills them from the log",
        )

    # ------------------------------------------------------------------ write

    def followed(self) -> list[EvidenceCache]:
        """As `kept`, for the one process that writes: it looks once."""
        if self._followed is None:
            self._followed = self.kept()
        return self._followed

    def begin(self) -> None:
        """Of an empty state: from here on what the settings say is kept."""
        self._followed = None
        if self.definition is not None and self._store.get(_REGISTER) is None:
            self._register([self.definition])

    def settle(self, log: EventLog, offset: int, progress: Progress | None = None) -> None:
        """Keep what the settings say: fill a new definition from the log, drop what is too old.

        Args:
            log: Of the state.
            offset: That the state reflects.
            progress: Called now and then.
        """
        self._sweep()
        kept = [one.packing.definition for one in self.kept()]
        if self.definition is None:
            if kept:
                self._register([])
            return
        own = self.definition.fingerprint
        others = [one for one in kept if one.fingerprint != own]
        if len(others) == len(kept):
            self._fill([self._new(self.definition)], log, 0, offset, progress)
        wanted = [*others, self.definition][-_KEPT:]
        if [one.fingerprint for one in wanted] != [one.fingerprint for one in kept]:
            self._register(wanted)

    def fill(self, log: EventLog, after: int, upto: int, progress: Progress | None = None) -> None:
        """Bring all that are kept from offset `after` to `upto`, before the state goes there."""
        if after == 0:
            self.begin()
        self._fill(self.kept(), log, after, upto, progress)

    def keep_prior(self, prior: Prior, *, people: int) -> None:
        """Keep an average person, learned from so many, in place of the one before."""
        raw = msgspec.json.encode((prior, people))
        self._store.write({_PRIOR + prior.fingerprint.encode(): raw})

    def averages(self) -> Puts:
        """What no log can bring back: the averages, as they are kept."""
        return dict(self._store.scan(_PRIOR))

    def register_of(self, base: OnlineStore) -> None:
        """Keep the definitions that `base` keeps; its profiles were copied."""
        self._followed = None
        self._store.write({_REGISTER: base.get(_REGISTER)})

    def keys_of(self, people: Puts) -> list[bytes]:
        """The keys of these people's profiles; `people` are keys of their state."""
        prefixes = [one.prefix for one in self.kept()]
        return [p + who for who in people if not who.startswith(LINK) for p in prefixes]

    def _register(self, definitions: list[ProfileDefinition]) -> None:
        """Keep these alone; profiles of others go, and what was learned of them."""
        self._followed = None
        stay = {one.fingerprint for one in definitions}
        gone = [one for one in self.kept() if one.fingerprint not in stay]
        puts: Puts = {_PRIOR + one.fingerprint.encode(): None for one in gone}
        raw = msgspec.json.encode([one.model_dump(mode="json") for one in definitions])
        self._store.write({**puts, _REGISTER: raw if definitions else None})
        for one in gone:
            erased(self._store, one.prefix)

    def _sweep(self) -> None:
        """Delete what was being filled, or deleted, when a process was killed."""
        erased(self._store, PAST)
        stay = {one.prefix for one in self.kept()}
        after: bytes | None = None
        while found := next(iter(self._store.scan(PROFILE, after=after, limit=1)), None):
            prefix = found[0][:_PREFIX]
            if prefix not in stay:
                erased(self._store, prefix)
            after = prefix + b"\xff"  # behind everybody's key

    def _new(self, definition: ProfileDefinition) -> EvidenceCache:
        from palate.features.profile_changes import EvidenceCache

        return EvidenceCache(definition)

    def _fill(
        self,
        profiles: list[EvidenceCache],
        log: EventLog,
        after: int,
        upto: int,
        progress: Progress | None,
    ) -> None:
        if not profiles:
            return
        from palate.features.backfill import filled

        for done in filled(self._store, log, after, upto, profiles):
            if progress is not None:
                progress(done - after, upto - after, "filling profiles from the log")


def erased(store: OnlineStore, prefix: bytes) -> None:
    """Delete all keys that start with `prefix`, some at a time."""
    while part := [key for key, _ in islice(store.scan(prefix), _PART)]:
        store.write(dict.fromkeys(part))


def _definitions(raw: bytes) -> list[ProfileDefinition]:
    from palate.features.profile.definition import ProfileDefinition

    try:
        return [ProfileDefinition.model_validate(one) for one in msgspec.json.decode(raw)]
    except (msgspec.DecodeError, ValueError) as error:
        raise StoreError(
            f"the state's profiles were written by another version of Palate: {error}",
            hint="stop the service and delete the state's folder: it is rebuilt from the log",
        ) from error
