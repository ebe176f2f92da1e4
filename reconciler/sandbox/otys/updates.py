"""Knows `update [session, uid, partialObj]` (facts/otys.md, 3), for the one field that may be set.

ASSUMED: the form of the call is known, but not that this field can be written by it, nor what it answers.
"""

from reconciler.sandbox.otys.errors import OtysRefusal, UnreadableField, bad_arguments
from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.otys.services import ListedService
from reconciler.sandbox.otys.state import Entity, OtysState

_SPELLINGS: dict[Json, bool] = {"1": True, "0": False, 1: True, 0: False}  # True and False are 1 and 0


def update(service: ListedService[Entity], arguments: list[Json], state: OtysState) -> Json:
    """Given a service of people and the arguments after the session, set the opt-out field; return true.

    Raise OtysRefusal if there is no such person, or for any other field or value.
    """
    method = f"{service.name}.update"
    match arguments:
        case [str() | int() as uid, dict() as changes] if changes:
            person = service.find(state, str(uid))
        case _:
            raise bad_arguments(method, "a uid, then an object with what changes")
    if person is None:
        raise OtysRefusal(f"{service.noun} {uid} does not exist", code=-32020)
    for path, value in _leaves(changes):
        if not path or path != state.switches.opt_out_field:
            raise UnreadableField(service.name, path)
        if not isinstance(value, str | int) or value not in _SPELLINGS:
            raise bad_arguments(method, f"1 or 0 for {path}")
        person.opted_out = _SPELLINGS[value]
    return True


def _leaves(changes: dict[str, Json], above: str = "") -> list[tuple[str, Json]]:
    found: list[tuple[str, Json]] = []
    for name, value in changes.items():
        path = f"{above}{name}"
        found += _leaves(value, f"{path}.") if isinstance(value, dict) else [(path, value)]
    return found
