"""Knows how `what` selects fields, and that one unreadable field fails the whole call (facts/otys.md, 3)."""

from collections.abc import Collection, Mapping

from reconciler.sandbox.otys.errors import UnreadableField, bad_arguments
from reconciler.sandbox.otys.fields import ABSENT, Fields, Record, empty_or
from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.otys.state import OtysState


def selected_paths(
    what: Json, *, readable: Collection[str], defaults: Collection[str], service: str
) -> list[str]:
    """Given `what`, return the paths it asks for.

    Null and an empty map ask for the defaults. Raise OtysRefusal if a path is not readable.
    """
    if what is None or what in ({}, []):
        return [path for path in defaults if path in readable]
    if not isinstance(what, Mapping):
        raise bad_arguments(service, "what as an object of fields")
    return list(dict.fromkeys(_walk(what, "", readable, service)))


def _walk(tree: Mapping[str, Json], prefix: str, readable: Collection[str], service: str) -> list[str]:
    paths: list[str] = []
    for key, wanted in tree.items():
        path = prefix + key
        if wanted in (None, 0, "0", False, ""):
            continue
        below = [field for field in readable if field.startswith(f"{path}.")]
        if path in readable:
            paths.append(path)
        elif not below:
            raise UnreadableField(service, path)
        elif isinstance(wanted, Mapping):
            paths += _walk(wanted, f"{path}.", readable, service)
        else:
            paths += below
    return paths


def project(state: OtysState, record: Record, fields: Fields[Record], paths: Collection[str]) -> Json:
    """Given a record and the paths asked for, return the row as nested JSON; absent fields are left out."""
    row: dict[str, Json] = {}
    groups: dict[str, dict[str, Json]] = {}
    for path in paths:
        group, _, leaf = path.rpartition(".")
        target = groups.setdefault(group, {}) if group else row
        value = fields[path](state, record)
        if value is not ABSENT:
            target[leaf] = value
    for group, content in groups.items():
        row[group] = empty_or(content, state)
    return row
