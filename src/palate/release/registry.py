"""Releases by name and version, and the aliases that services follow."""

from __future__ import annotations

import getpass
import os
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from palate.data.dataset import Dataset
from palate.errors import ReleaseError
from palate.models.base import Recommender
from palate.release import aliases, records
from palate.release.aliases import Aliases
from palate.release.bundle import (
    LoadedRelease,
    digest_of,
    open_bundle,
    verify_bundle,
    write_bundle,
)
from palate.release.manifest import Estimate, Metric, check_name, describe
from palate.release.records import Records, Release
from palate.store import audit
from palate.store.audit import AuditEntry
from palate.store.base import ObjectStore
from palate.store.database import Database
from palate.store.folder_store import FolderStore

__all__ = ["STABLE", "Release", "Releases", "open_releases"]

STABLE: Final = "stable"

TABLES: Final = (*records.TABLES, *aliases.TABLES, *audit.TABLES)
_ACTIONS: Final = ("create", "promote", "rollback", "remove")


class Releases:
    """The registry of releases: what exists, and what each alias names.

    A release never changes. An alias moves in one transaction, and every process that asks
    `aliases()` afterwards sees it. A `ref` is `name:version`, a name (its newest version)
    or an alias.

    Args:
        database: Records, aliases, audit.
        objects: The bundles.
    """

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._records = Records(database)
        self._aliases = Aliases(database)
        database.migrate("releases", TABLES)

    # ------------------------------------------------------------------ make and read

    def create(
        self,
        model: Recommender[Any],
        *,
        name: str,
        dataset: Dataset,
        metrics: Mapping[str, float | Estimate | Metric] | None = None,
        protocol: str | None = None,
        by: str | None = None,
        reason: str = "",
        continued_from: str | None = None,
    ) -> Release:
        """Release a fitted model under the next version of `name`.

        Args:
            model: Fitted on `dataset`.
            name: Lower-case letters, digits, `.`, `_` and `-`.
            dataset: What the model learned from.
            metrics: By name, with intervals where there are some.
            protocol: Hash of the protocol that they were measured by.
            by: Who releases; the operating system's account by default.
            reason: For the audit.
            continued_from: `name:version` that the model learned on from.

        Raises:
            ReleaseError: The name is impossible or names an alias; a metric is NaN.
            BundleError: The model's files would need pickle.
            NotFittedError: The model is not fitted.
            StoreError: The registry or the object store refused; nothing was released.
        """
        draft = describe(
            model,
            dataset,
            name=name,
            metrics=metrics,
            protocol=protocol,
            continued_from=continued_from,
        )
        manifest = draft.model_copy(update={"version": self._next_version(name)})
        with tempfile.TemporaryDirectory(prefix="palate-") as temporary, ExitStack() as undo:
            folder = Path(temporary) / "bundle"
            release = Release(write_bundle(folder, model, manifest), digest_of(folder))
            self._objects.publish(release.key, folder)
            undo.callback(self._objects.remove, release.key)
            with self._database.transaction() as connection:
                self._records.add(connection, release)
                _note(connection, "create", release.ref, by=by or _account(), reason=reason)
            undo.pop_all()
        return release

    def resolve(self, ref: str) -> Release:
        """The release that `ref` names now.

        Raises:
            UnknownReleaseError: None is called so; the hint has near names.
        """
        exact = ref if ":" in ref else self._aliases.named(ref)
        found = self._records.newest(ref) if exact is None else self._records.exact(exact)
        if found is None:
            raise self._records.unknown(ref, aliases=[*self.aliases()])
        return found

    def load(self, ref: str) -> LoadedRelease:
        """Fetch, verify and load the release that `ref` names now.

        Raises:
            UnknownReleaseError: None is called so.
            BundleError: Its bundle is damaged or is not the one that was released.
        """
        release = self.resolve(ref)
        return open_bundle(self._objects.fetch(release.key), digest=release.digest)

    def verify(self, ref: str) -> Release:
        """Check every file of a release against its checksum, without loading the model.

        Raises:
            UnknownReleaseError: None is called so.
            BundleError: Names the damaged file.
        """
        release = self.resolve(ref)
        verify_bundle(self._objects.fetch(release.key), digest=release.digest)
        return release

    def list(self, name: str | None = None) -> tuple[Release, ...]:
        """All releases, or those of one name; by name, oldest version first."""
        return self._records.all(name)

    def aliases(self) -> dict[str, str]:
        """What each alias names now, `name:version`; cheap enough to ask every 100 ms."""
        return self._aliases.all()

    def previous(self, alias: str) -> str | None:
        """What `alias` named before what it names now, `name:version`; None for nothing."""
        return self._aliases.previous(alias)

    def audit(self) -> tuple[AuditEntry, ...]:
        """Every change of a release so far, oldest first: who, what, when and why."""
        return audit.entries(self._database, _ACTIONS)

    # ------------------------------------------------------------------ change

    def promote(self, ref: str, alias: str = STABLE, *, by: str, reason: str) -> Release:
        """Let `alias` name the release; nothing changes where it already does.

        Raises:
            UnknownReleaseError: No release is called so.
            BundleError: Its bundle is damaged; the alias stays where it is.
            ReleaseError: The alias is an impossible name or the name of releases.
        """
        check_name(alias, what="an alias")
        release = self.verify(ref)
        with self._database.transaction() as connection:
            if self._records.has_name(alias):
                raise ReleaseError(
                    f"{alias!r} is the name of releases, so it cannot be an alias",
                    hint="choose another alias, such as stable or canary",
                )
            previous = self._aliases.named(alias)
            if previous != release.ref:
                self._aliases.push(connection, alias, name=release.name, version=release.version)
                _note(
                    connection,
                    "promote",
                    release.ref,
                    by=by,
                    reason=reason,
                    alias=alias,
                    previous=previous,
                )
        return release

    def rollback(self, alias: str = STABLE, *, by: str, reason: str) -> Release:
        """Let `alias` name again what it named before; repeated, further back.

        Raises:
            UnknownReleaseError: No such alias.
            ReleaseError: It named nothing before.
            BundleError: The release before is damaged; the alias stays where it is.
        """
        current, before = self._aliases.before(alias)
        release = self.verify(before)
        with self._database.transaction() as connection:
            if self._aliases.before(alias) != (current, before):
                raise ReleaseError(
                    f"{alias} was moved by somebody else just now", hint="look, and try again"
                )
            self._aliases.pop_to(connection, alias, before)
            _note(
                connection,
                "rollback",
                before,
                by=by,
                reason=reason,
                alias=alias,
                previous=current,
            )
        return release

    def remove(self, ref: str, *, by: str, reason: str) -> None:
        """Erase a release, its bundle and its place in the aliases' past.

        Args:
            ref: `name:version`; a bare name would say too little for a deed without return.
            by: Who.
            reason: Why.

        Raises:
            UnknownReleaseError: No such release.
            ReleaseError: An alias names it, or `ref` has no version.
        """
        release = self.resolve(ref)
        if ref != release.ref:
            raise ReleaseError(f"{ref!r} does not say which version", hint=f"say {release.ref}")
        with self._database.transaction() as connection:
            holders = [alias for alias, named in self.aliases().items() if named == ref]
            if holders:
                raise ReleaseError(
                    f"{ref} is what {', '.join(holders)} names",
                    hint="promote or roll back to another release first",
                )
            self._records.remove(connection, release)
            _note(connection, "remove", ref, by=by, reason=reason)
        self._objects.remove(release.key)

    def close(self) -> None:
        """Give the database's connections back."""
        self._database.close()

    # ------------------------------------------------------------------ private

    def _next_version(self, name: str) -> int:
        """Reserve a version; a failure afterwards leaves a gap, never a repetition."""
        with self._database.transaction() as connection:
            if self._aliases.named(name) is not None:
                raise ReleaseError(
                    f"{name!r} is an alias, so it cannot name releases", hint="choose another name"
                )
            return self._records.reserve(connection, name)


def open_releases(home: Path) -> Releases:
    """The releases kept under `home`: `registry.sqlite` and `objects/`.

    Raises:
        StoreError: The registry is damaged, of a newer version, or cannot be opened.
    """
    return Releases(Database(home / "registry.sqlite"), FolderStore(home / "objects"))


def _note(
    connection: sqlite3.Connection,
    action: str,
    ref: str,
    *,
    by: str,
    reason: str,
    alias: str | None = None,
    previous: str | None = None,
) -> None:
    if not by.strip():
        raise ReleaseError(f"nobody is named for this {action}", hint="say who: by=...")
    now = datetime.now(UTC)
    audit.append(connection, [AuditEntry(now, by, action, ref, alias, previous, reason)])


def _account() -> str:
    """The account that runs this process; its number where it has no name (containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
