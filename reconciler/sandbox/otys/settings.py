"""Knows CsmService.getValue in its list form and its scalar form (facts/otys.md, 5)."""

from reconciler.sandbox.otys.errors import OtysRefusal, bad_arguments
from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.otys.state import OtysState


def get_value(state: OtysState, arguments: list[Json]) -> Json:
    """Given [codes or code, clientId, …], return {code: {value}} or {value}.

    Raise OtysRefusal for another client, and for an unknown code where the tenant refuses those.
    """
    codes = arguments[0] if arguments else None
    if len(arguments) > 1 and arguments[1] not in (None, state.client_id, str(state.client_id)):
        raise OtysRefusal(f"No rights for client {arguments[1]}", code=-32030)
    if isinstance(codes, str):
        return _scalar(state, codes)
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise bad_arguments("CsmService.getValue", "a code or an array of codes, then clientId")
    answer: dict[str, Json] = {}
    for code in codes:
        value = _stored(state, str(code))
        if value is not None or state.switches.missing_setting == "null":
            answer[str(code)] = {"value": value}
    return answer or ([] if state.switches.php_types else {})


def _scalar(state: OtysState, code: str) -> Json:
    value = _stored(state, code)
    if value is None and state.switches.missing_setting == "absent":
        return [] if state.switches.php_types else {}
    return {"value": value}


def _stored(state: OtysState, code: str) -> str | None:
    value = state.settings.get(code)
    if value is None and state.switches.missing_setting == "error":
        raise OtysRefusal(f"Setting {code} does not exist", code=-32031)
    return value
