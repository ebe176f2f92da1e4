"""The desk of an operator: what commands show there, and what became of everybody's data."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.model import ListBase, ListUid
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import MailingList
from tests.cli.conftest import Ended, Run
from tests.passes.agency import Agency

ANOTHER_KEY = "f" * 32
"""What a key of Mailchimp looks like before its data centre."""

RUN = "import runpy; runpy.run_module('reconciler', run_name='__main__', alter_sys=True)"

OWED = {"jan@zorg.nl": "subscribed", "piet@zorg.nl": "subscribed", "nieuw@zorg.nl": "subscribed"}
SAID_NO = {"anna@zorg.nl": "unsubscribed"}


@dataclass(frozen=True)
class Kept:
    """What must not be lost: what the program remembers, and whom each audience reaches."""

    bases: Mapping[str, ListBase]
    audiences: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Desk:
    agency: Agency
    run: Run

    # -- what an operator types

    def once(self, **environ: str) -> Ended:
        return self.type("once", **environ)

    def plan(self, *arguments: str) -> Ended:
        return self.type("plan", *arguments)

    def check(self) -> Ended:
        return self.type("config", "check")

    def type(self, *arguments: str, **environ: str) -> Ended:
        """Given a command, return how it ended; whatever happens, it shows no traceback and no key."""
        ended = self.run("--config", str(self.agency.write_config()), *arguments, **environ)
        self.fit_for_an_operator(ended)
        return ended

    @contextmanager
    def process(self, *arguments: str, code: str = "", **environ: str) -> Iterator[subprocess.Popen[str]]:
        """Given a command, yield it running in a process of its own; it is ended whatever happens.

        With `code`, that is run first, in the same process.
        """
        program = ["-c", f"{code}\n{RUN}"] if code else ["-m", "reconciler"]
        config = str(self.agency.write_config())
        with subprocess.Popen(
            [sys.executable, *program, "--config", config, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environ},
            text=True,
        ) as running:
            try:
                yield running
            finally:
                running.kill()

    def end_of(self, running: subprocess.Popen[str]) -> Ended:
        """Given a process, wait for it and return how it ended."""
        out, err = running.communicate(timeout=60)
        ended = Ended(running.returncode, out, err)
        self.fit_for_an_operator(ended)
        return ended

    def fit_for_an_operator(self, ended: Ended) -> None:
        shown = ended.out + ended.err
        assert "Traceback" not in shown, shown
        assert self.agency.world.otys_api_key not in shown
        assert self.agency.world.mailchimp_api_key not in shown
        assert ANOTHER_KEY not in shown
        assert "\x1b" not in shown

    # -- what became of it

    def kept(self) -> Kept:
        """Return what is remembered of every linked list, and who is in every audience."""
        store = self.agency.store
        return Kept(
            bases={link.list_uid: store.base("acme", ListUid(link.list_uid)) for link in store.links("acme")},
            audiences={
                audience.name: {one.email_address: str(one.status) for one in audience.contacts.values()}
                for audience in self.agency.world.mailchimp.audiences.values()
            },
        )

    def nos(self, of: MailingList) -> set[str]:
        """Given a list, return who said no to it."""
        return {no.address for no in self.kept().bases[of.uid].nos}

    def loses_nothing(self, trouble: Callable[[], Ended]) -> Ended:
        """Given what goes wrong, let it: nothing is written to either service, and nothing is forgotten."""
        before = self.kept()
        ended: list[Ended] = []
        assert self.agency.writes_of(lambda: ended.append(trouble())) == []
        assert self.kept() == before
        return ended[0]

    def fails(self, code: int) -> Ended:
        """Given the exit code that is due, let `plan` and `once` end with it and lose nothing."""
        assert self.loses_nothing(self.plan).code == code
        ended = self.loses_nothing(self.once)
        assert ended.code == code
        return ended

    def comes_to_rest(self) -> None:
        """The next pass does all that is owed, and the one after it finds nothing to do."""
        good = self.once()
        assert good.code == 0, good
        last: list[Ended] = []
        assert self.agency.writes_of(lambda: last.append(self.once())) == []
        assert last[0].code == 0
        assert "nothing to do" in last[0].out

    def recovers(self, nurses: MailingList) -> None:
        """As soon as nothing is wrong any more, the list is in step, and who said no is left alone."""
        self.agency.sandbox.faults.clear()
        self.comes_to_rest()
        assert self.kept().audiences[nurses.name] == OWED | SAID_NO

    # -- what goes wrong

    def fault(
        self, kind: FaultKind, system: str, pattern: str = "", *, times: int | None = None, skip: int = 0
    ) -> None:
        fault = Fault(kind=kind, system=system, pattern=pattern, times=times, skip=skip)
        self.agency.sandbox.faults.add(fault)

    def wait_for_a_fault(self) -> None:
        """Return as soon as a fault has struck a request."""
        log = self.agency.sandbox.log
        while True:
            last = log.last_number()
            if any(request.fault for request in log.requests()):
                return
            assert log.wait_for(last + 1, seconds=30), "no fault struck anything"

    def setting(self, code: str, value: str | None) -> None:
        self.agency.sandbox.otys.set_setting(code, value)

    @property
    def database(self) -> Path:
        return self.agency.folder / "state" / "reconciler.db"
