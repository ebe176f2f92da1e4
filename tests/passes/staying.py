"""A client that stays open from pass to pass, as in a daemon, and what each pass takes the trouble to do."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest

from reconciler import sides
from reconciler.api import mailchimp
from reconciler.api.decoding import decode
from reconciler.api.mailchimp_wire import MembersPage
from reconciler.client import Client
from reconciler.plan import Sides, plan_list
from reconciler.reconcile import reconcile
from reconciler.report import PassReport
from reconciler.sandbox.requestlog import LoggedRequest
from tests.passes.agency import Agency


@dataclass
class Daemon:
    """A client that stays open from pass to pass, and what its passes took the trouble to do."""

    acme: Agency
    client: Client
    decided: list[str] = field(default_factory=list)
    """The names of the lists that the last pass decided about."""
    decoded: list[object] = field(default_factory=list)
    """The pages of contacts that it decoded."""
    pages: list[str] = field(default_factory=list)
    """The pages of both sides that it asked for."""
    looks: int = 0
    """How often it looked at who changed last in an audience, live or archived."""
    report: PassReport | None = None

    def once(self, *, full: bool = False) -> PassReport:
        self.decided.clear()
        self.decoded.clear()
        before = self.acme.sandbox.log.last_number()
        report = (
            reconcile(self.client, trigger="asked", full=True)
            if full
            else reconcile(self.client, trigger="schedule")
        )
        self.report = report
        asked = self.acme.sandbox.log.requests(after=before)
        self.pages = sorted(f"{one.path} {one.operation}" for one in asked if _is_page(one))
        self.looks = sum(map(_is_look, asked))
        return report

    def rest(self) -> PassReport:
        """Run passes until every list is at rest; return the report of the last one that decided."""
        report = self.once()
        for _ in range(4):
            last, report = report, self.once()
            if not self.decided:
                return last
        raise AssertionError(f"no rest: {self.decided}")

    def settle(self) -> None:
        """Run passes until both services are believed that nothing changed."""
        self.rest()
        self.acme.later(minutes=11)
        self.once()
        self.acme.later(minutes=5)


def _is_page(one: LoggedRequest) -> bool:
    return (one.path.endswith("/members") and not _is_look(one)) or "Recipient" in one.operation


def _is_look(one: LoggedRequest) -> bool:
    return one.query.get("sort_field") == "last_changed" and one.query.get("sort_dir") == "DESC"


Open = Callable[[], Daemon]


def _watched(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    def deciding(seen: Sides, **rules: object) -> object:
        daemon.decided.append(seen.mailing_list.name)
        return plan_list(seen, **rules)  # type: ignore[arg-type]  # passed on as it came

    def decoding(content: bytes, kind: type[object]) -> object:
        if kind is MembersPage:
            daemon.decoded.append(kind)
        return decode(content, kind)

    monkeypatch.setattr(sides, "plan_list", deciding)
    monkeypatch.setattr(mailchimp, "decode", decoding)
    return daemon


@contextmanager
def opening(acme: Agency, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Given an agency, yield what opens its client, when the agency is as the test wants it."""
    with ExitStack() as opened:

        def open_it() -> Daemon:
            return _watched(Daemon(acme, opened.enter_context(acme.client())), monkeypatch)

        yield open_it
