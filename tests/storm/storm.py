"""Passes under faults while people edit on both sides: what must stay true in it, and come true after it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random

from reconciler.client import Unwatched
from reconciler.config import load_config
from reconciler.model import PassResult, Result
from reconciler.reconcile import reconcile
from reconciler.report import PassReport
from reconciler.sandbox.mailchimp.state import Status, subscriber_hash
from reconciler.wiring import open_client
from tests.passes.agency import Agency, agency
from tests.storm.patience import Patience, limits_kept_by
from tests.storm.reached import Account, Deed, account, done_between, told
from tests.storm.town import Town
from tests.storm.weather import Weather

BETWEEN_PASSES = timedelta(minutes=5)
MOST_DEEDS = 4
PASSES_TO_COME_TO_REST = 2
MOST_CONNECTIONS = 5
OTYS_REQUESTS_A_MINUTE = 350
MOST_REQUESTS = 25
"""A pass under faults makes at most so many times the requests of the calm pass after the storm."""


@dataclass
class Storm:
    """One agency in one kind of weather."""

    acme: Agency
    town: Town
    weather: Weather
    chance: Random
    passes: int = 0
    failed: int = 0
    requests: list[int] = field(default_factory=list)
    """Of each pass in the storm."""
    calm_requests: int = 0
    waited: timedelta = timedelta(0)
    struck: int = 0
    """Requests that a fault struck."""
    deeds: list[Deed] = field(default_factory=list)
    """What was done in Mailchimp."""
    broken: list[str] = field(default_factory=list)
    """Promises that were broken."""

    def blow(self, passes: int) -> None:
        """Given how many passes, let people edit and faults strike in each; then let it come to rest."""
        for _ in range(passes):
            for _ in range(self.chance.randint(1, MOST_DEEDS)):
                self.town.act()
            self.weather.arm(self.acme.sandbox.faults, self.chance)
            report = self._pass()
            self.requests.append(sum((report.requests or {}).values()))
            self.failed += report.result is PassResult.FAILED
        self.acme.sandbox.faults.clear()
        self._come_to_rest()

    @property
    def worst_ratio(self) -> float:
        """How many times the requests of a calm pass the busiest one made."""
        return max(self.requests) / self.calm_requests

    def _pass(self) -> PassReport:
        sandbox = self.acme.sandbox
        sandbox.clock.advance(BETWEEN_PASSES)
        before, log_from = self._account(), sandbox.log.last_number()
        patience = Patience(sandbox.clock)
        config = load_config(self.acme.write_config(), {})
        with open_client(
            "acme", config, self.acme.store, Unwatched(), now=sandbox.clock.now, stop=patience
        ) as client:
            report = reconcile(client, trigger="storm")
        deeds = done_between(before, self._account())
        self.deeds.extend(deeds.elements())
        self.passes += 1
        self.waited += patience.waited
        self.struck += sum(bool(request.fault) for request in sandbox.log.requests(after=log_from))
        self.broken.extend(f"pass {self.passes}: {line}" for line in self._broken_by(deeds))
        self.broken.extend(f"pass {self.passes}: {line}" for line in self._impolite(log_from))
        return report

    def _account(self) -> Account:
        return account(self.acme.world, self.town.names)

    # -- what must be true after every pass

    def _broken_by(self, deeds: dict[Deed, int]) -> Iterator[str]:
        for of in self.town.lists:
            forbidden = self.town.forbidden(of)
            present = {self.town.address(who) for who in self.town.listed[of.uid]}
            out = {self.town.address(who) for who in self.town.listed[of.uid] if self.town.is_out(of, who)}
            for uid, verb, email in deeds:
                if uid == of.uid and verb in ("add", "rename") and email in forbidden:
                    yield f"I1: {verb} of {email}, who said no"
                if uid == of.uid and verb == "remove" and email in present - out:
                    yield f"I5: {email} was removed and is on the list"
                if " to " in verb:
                    yield f"I1: {email} went from {verb}"
        for uid, email in self.town.strangers:
            if any(deed[0] == uid and deed[2] == email for deed in deeds):
                yield f"I2: something was done to {email}, a stranger"
        if len(self.acme.world.mailchimp.audiences) > len(self.town.lists):
            yield "I6: a list has two audiences"

    def _impolite(self, log_from: int) -> Iterator[str]:
        sandbox = self.acme.sandbox
        summary = sandbox.log_summary(after=log_from)
        if summary.most_open_requests.get("mailchimp", 0) > MOST_CONNECTIONS:
            yield f"{summary.most_open_requests['mailchimp']} connections to Mailchimp"
        if sandbox.log_summary().most_otys_requests_a_minute > OTYS_REQUESTS_A_MINUTE:
            yield "more than 350 requests to OTYS in a minute"
        for request in sandbox.log.writes(after=log_from):
            for _, email in self.town.strangers:
                if email.encode() in request.body or subscriber_hash(email) in request.path:
                    yield f"I2: {request.method} names {email}, a stranger"

    # -- what must come true when it is over

    def _come_to_rest(self) -> None:
        for _ in range(PASSES_TO_COME_TO_REST):
            self._pass()
        log_from = self.acme.sandbox.log.last_number()
        report = self._pass()
        self.calm_requests = sum((report.requests or {}).values())
        self.broken.extend(self._unfinished(report, log_from))

    def _unfinished(self, report: PassReport, log_from: int) -> Iterator[str]:
        yield from (
            f"I3: {one.method} {one.path} at rest" for one in self.acme.sandbox.log.writes(after=log_from)
        )
        refused = {uid for uid, _ in self.acme.store.refused_list_changes("acme")}
        if report.result is not (PassResult.WITHHELD if refused else PassResult.DONE):
            yield f"I3: at rest a pass ends {report.result}: {'; '.join(report.all_problems)}"
        for of in self.town.lists:
            if of.uid in refused:  # it is held, and shown, until somebody sees to it
                continue
            audience = self.town.audience(of)
            contacts = [] if audience is None else list(audience.contacts.values())
            reached = {one.email_address for one in contacts if one.status is Status.SUBSCRIBED}
            owed = self.town.owed(of) | {email for uid, email in self.town.strangers if uid == of.uid}
            for email in sorted(reached - owed):
                yield f"I4: {email} is reached and should not be"
            for email in sorted(owed - reached):
                yield f"I4: {email} should be reached and is not"
        done, claimed = Counter(self.deeds), told(self.acme.store, Result.APPLIED)
        # Whose answer got lost is sent again, and then found to be true already.
        known = claimed + told(self.acme.store, Result.ALREADY_TRUE)
        yield from (f"I7: not in the history: {deed}" for deed in (done - known).elements())
        yield from (f"I7: only in the history: {deed}" for deed in (claimed - done).elements())
        if self.worst_ratio > MOST_REQUESTS:
            yield f"a pass made {max(self.requests)} requests, a calm one {self.calm_requests}"


@contextmanager
def storm(folder: Path, weather: Weather, seed: int) -> Iterator[Storm]:
    """Given an empty folder, a kind of weather and a seed, yield an agency before the storm."""
    with agency(folder) as acme, limits_kept_by(acme.sandbox.clock):
        chance = Random(seed)
        town = Town(acme, chance)
        acme.world.otys.switches.requests_a_minute = OTYS_REQUESTS_A_MINUTE
        acme.world.otys.switches.max_rows = 3
        town.open()
        yield Storm(acme, town, weather, chance)
