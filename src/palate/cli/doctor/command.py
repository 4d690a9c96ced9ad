"""The `doctor` command: every check, a line each, and what to type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from palate.cli.apps import command_app
from palate.cli.doctor.finding import Finding, fail
from palate.cli.session import Session, session_of
from palate.cli.terminal import Terminal
from palate.errors import ConfigError

__all__ = ["app", "doctor"]

app = command_app()

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@app.command()
def doctor(
    ctx: typer.Context,
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every page and value, however long it takes.")
    ] = False,
) -> None:
    """Check machine, settings, home and service; say what to type.

    The exit code is 1 if something will not work. It changes nothing, and may be typed while
    the service runs.
    """
    session = session_of(ctx)
    findings = list(_findings(session, deep=deep))
    session.terminal.answer(
        [asdict(finding) for finding in findings], _text(session.terminal, findings)
    )
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(1)


def _findings(session: Session, *, deep: bool) -> Iterator[Finding]:
    from palate.cli.doctor.access import check_keys
    from palate.cli.doctor.databases import check_databases
    from palate.cli.doctor.erasures import check_erasures
    from palate.cli.doctor.home import check_home, check_releases, check_settings
    from palate.cli.doctor.letters import check_letters
    from palate.cli.doctor.log import check_groups, check_log, check_state
    from palate.cli.doctor.machine import check_clock, check_disk, check_threads
    from palate.cli.doctor.service import check_files, check_service
    from palate.cli.doctor.store import check_store
    from palate.cli.doctor.versions import check_extras, check_versions
    from palate.cli.workspace import Workspace

    yield from check_versions()
    yield from check_extras()
    yield from check_threads()
    yield from check_files()
    yield from check_clock()
    try:
        settings = session.settings
    except ConfigError as error:
        yield fail("settings", error.message, hint=error.hint or "correct the file")
        return
    workspace = Workspace(settings)
    yield from check_settings(settings, session.settings_file or Path("palate.toml"))
    yield from check_disk(settings.home)
    yield from check_home(settings.home)
    yield from check_databases(settings.home, deep=deep)
    yield from check_log(workspace)
    yield from check_store(settings.store)
    yield from check_state(workspace, deep=deep)
    yield from check_groups(workspace)
    yield from check_letters(workspace)
    yield from check_keys(settings.home)
    yield from check_erasures(settings.home, settings.privacy.erase_within_days)
    yield from check_releases(workspace)
    yield from check_service(settings)


def _text(terminal: Terminal, findings: Iterable[Finding]) -> str:
    lines = []
    for finding in findings:
        level = terminal.style(f"{finding.level:<4}", COLOURS[finding.level])
        lines.append(f"{level}  {finding.check:<11}  {finding.found}")
        if finding.hint is not None:
            lines.append(f"{'':19}next: {finding.hint}")
    return "\n".join(lines)
