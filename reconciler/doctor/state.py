"""Examines the state: the database, the folders beside it, and what a killed pass left behind."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from reconciler.config import Config
from reconciler.doctor.findings import Finding, failure, ok, problem, warning
from reconciler.errors import StoreError
from reconciler.store import IntentKind, Store, check_database
from reconciler.trust import TrustState, told
from reconciler.wiring import backups_folder, state_folder
from reconciler.wording import some_of

_SQLITE = "sqlite:///"
_LEFT_BEHIND = {
    IntentKind.CREATE_AUDIENCE: "creating the audience",
    IntentKind.DELETE_AUDIENCE: "deleting the audience",
    IntentKind.RESTORE_AUDIENCE: "restoring the audience",
    IntentKind.APPLY: "writing to the audience",
}


def examine_state(config: Config) -> Iterator[Finding]:
    """Given the configuration, examine the database and its folders without changing anything."""
    url = config.state.url.reveal()
    file = Path(url.removeprefix(_SQLITE).partition("?")[0]) if url.startswith(_SQLITE) else None
    if file is not None and not file.exists():
        yield _room_for("database", file, f"{file} is not there yet; the first pass makes it")
    else:
        yield _database(url, state_folder(config))
    backups = backups_folder(config)
    yield _room_for("backups", backups / "audience", f"backups of deleted audiences go to {backups}")


def examine_leftovers(store: Store, client: str, now: datetime) -> Iterator[Finding]:
    """Given a client, tell what a pass that was cut off left behind."""
    for intent in store.open_intents(client):
        yield warning(
            "open_intents",
            f"pass {intent.pass_id} was cut off while {_LEFT_BEHIND[intent.kind]} of list {intent.list_uid}",
            "The next pass looks how that ended and goes on from there.",
        )
    lock = store.lock_record(client)
    if lock is None:
        yield ok("lock", "no pass is running")
    elif not lock.left_behind(now):
        yield ok("lock", f"a pass is running: {lock.holder}, since {lock.since:%Y-%m-%d %H:%M} UTC")
    else:
        yield warning(
            "lock",
            f"a pass was killed and left its lock: {lock.holder}, since {lock.since:%Y-%m-%d %H:%M} UTC",
            "The next pass takes the lock over.",
        )


def examine_catalogue(store: Store, client: str, *, allowed: bool) -> Finding:
    """Given a client and whether its catalogue may be believed, tell whether it is."""
    trust = store.catalogue_trust(client)
    if allowed and trust.state is TrustState.LIED:
        return warning(
            "catalogue",
            told(trust, allowed=allowed),
            "Passes read every list of this client in OTYS. Nothing is missed; they make more requests.",
        )
    return ok("catalogue", told(trust, allowed=allowed))


def _database(url: str, log_folder: Path) -> Finding:
    try:
        report = check_database(url, log_folder=log_folder)
    except StoreError as error:
        return failure("database", error)
    if report.problems:
        told = some_of(report.problems, 3)
        return problem(
            "database", f"{report.place}: {told}", "Run `reconciler db upgrade`, or put a backup back."
        )
    return ok("database", f"{report.place}: {report.kind}, version {report.version}, whole")


def _room_for(check: str, wanted: Path, fine: str) -> Finding:
    """Look whether something can be made at a path, by the nearest folder above it that is there."""
    nearest = next(folder for folder in wanted.absolute().parents if folder.exists())
    if not nearest.is_dir():
        return problem(
            check, f"{wanted} cannot be made: {nearest} is not a folder", "Name another place in state.url."
        )
    if not os.access(nearest, os.W_OK | os.X_OK, effective_ids=True):
        return problem(
            check,
            f"{wanted} cannot be made: the folder {nearest} is read-only",
            "Give the user that runs the daemon the right to write there.",
        )
    return ok(check, fine)
