"""Knows how OTYS refuses: an error object inside a reply with HTTP 200 (facts/otys.md, 4)."""


class OtysRefusal(Exception):
    """A call that OTYS answers with `{"error": {code, message}}`."""

    def __init__(self, message: str, *, code: int = -32000) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class MissingResult(Exception):
    """The whole call is answered without `result` and without `error`."""


def session_expired() -> OtysRefusal:
    """Given nothing, return the refusal of a session that was valid once."""
    return OtysRefusal("Access denied; please login again", code=-32001)


def session_missing() -> OtysRefusal:
    """Given nothing, return the refusal of a call without any session."""
    return OtysRefusal("Access denied; please login first", code=-32002)


class UnreadableField(OtysRefusal):
    """The refusal of a whole call because of one field that the service does not show."""

    def __init__(self, service: str, field: str) -> None:
        super().__init__(f"Abstract_field: field '{field}' not found in Otys.Services.{service}", code=-32010)

    def without_name(self) -> OtysRefusal:
        """Given nothing, return the refusal in words that leave open which field it was."""
        return OtysRefusal("Abstract_field: invalid field requested", code=self.code)


def bad_arguments(method: str, wanted: str) -> OtysRefusal:
    """Given a method and what it wants, return the refusal of a call with other arguments."""
    return OtysRefusal(f"Invalid arguments for {method}: expected {wanted}", code=-32602)
