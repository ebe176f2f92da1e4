"""Ends a pass after so many requests; `tests/crashes` does so at every moment there is."""

from reconciler.api.http import RequestNote


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Executioner:
    """Lets so many requests be answered; from then on nothing that an answer says is recorded."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.seen = 0

    def __call__(self, _note: RequestNote) -> None:
        self.seen += 1
        if self.seen > self.allowed:
            raise Killed
