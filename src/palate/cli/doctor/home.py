"""Checks of the settings file, of home, and of the releases under it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from palate.cli.doctor.finding import Finding, fail, ok, warn
from palate.errors import PalateError

if TYPE_CHECKING:
    from palate.cli.workspace import Workspace
    from palate.config import Settings
    from palate.release.registry import Releases

__all__ = ["check_home", "check_releases", "check_settings"]


def check_settings(settings: Settings, file: Path) -> Iterator[Finding]:
    """Whether there is a settings file; that it is valid has been found out by reading it."""
    if not file.is_file():
        yield warn("settings", f"no {file}: defaults are used", hint="palate init")
        return
    declared = f"{len(settings.events)} event types, {len(settings.items)} item attributes"
    yield ok("settings", f"{file}: {declared}")


def check_home(home: Path) -> Iterator[Finding]:
    """Whether home can be read and written."""
    if not home.exists():
        yield warn("home", f"{home} does not exist yet", hint="palate import ml-100k")
    elif not home.is_dir():
        yield fail("home", f"{home} is not a folder", hint="name another with --home")
    elif not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        yield fail("home", f"{home} cannot be read and written", hint=f"sudo chown $USER {home}")
    elif (why := _unwritable(home)) is not None:
        yield fail(
            "home", f"{home} cannot be written: {why}", hint="mount it for writing, or free space"
        )
    else:
        yield ok("home", str(home))


def _unwritable(home: Path) -> str | None:
    """Why a file cannot be written there, by trying; permissions do not tell of a full disk."""
    try:
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(b"palate doctor")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.strerror
    return None


def check_releases(workspace: Workspace) -> Iterator[Finding]:
    """Whether the registry opens, every bundle has its checksums, and every alias a release."""
    if not (workspace.home / "registry.sqlite").is_file():
        yield warn("releases", "none yet", hint="palate train ease --promote")
        return
    try:
        with workspace.releases() as releases:
            yield from _judge_releases(releases, workspace.settings.serve.alias)
    except PalateError as error:
        yield fail("releases", error.message, hint=error.hint or "restore registry.sqlite")


def _judge_releases(releases: Releases, served: str) -> Iterator[Finding]:
    known, aliases = releases.list(), releases.aliases()
    broken = 0
    for release in known:
        try:
            releases.verify(release.ref)
        except PalateError as error:
            broken += 1
            yield fail("bundle", f"{release.ref}: {error.message}", hint="palate release rollback")
    if known and not broken:
        yield ok("bundles", f"{len(known)} releases, every checksum right")
    if served not in aliases:
        yield warn(
            "alias",
            f"{served} names no release",
            hint=f"palate release promote NAME:VERSION --alias {served}",
        )
    refs = {release.ref for release in known}
    for alias, ref in aliases.items():
        if ref in refs:
            yield ok("alias", f"{alias} is {ref}")
        else:
            yield fail("alias", f"{alias} names {ref}, which is gone", hint="palate release list")
