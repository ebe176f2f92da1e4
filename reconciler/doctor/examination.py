"""The whole examination, in the order in which things build on each other."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec

from reconciler.config import Config, Reading, warnings
from reconciler.config.load import secret_problems
from reconciler.doctor.clock import ClockWatch
from reconciler.doctor.findings import Finding, Verdict, failure, ok, problem, warning
from reconciler.doctor.lists import examine_lists
from reconciler.doctor.mailchimp import examine_mailchimp
from reconciler.doctor.state import examine_catalogue, examine_leftovers, examine_state
from reconciler.errors import StoreError
from reconciler.store import Store, open_store


def examine(reading: Reading, clients: Sequence[str], now: Callable[[], datetime]) -> Iterator[Finding]:
    """Given a configuration and clients, yield findings as they are known. One failure stops no other."""
    config = reading.config
    yield from _configuration(reading)
    state = list(examine_state(config))
    yield from state
    sound = all(one.verdict is Verdict.OK for one in state if one.check == "database")
    store = _open(config) if sound else None
    try:
        for name in clients:
            for finding in _client(name, config, store, now):
                yield msgspec.structs.replace(finding, client=name)
    finally:
        if store is not None:
            store.close()


def _configuration(reading: Reading) -> Iterator[Finding]:
    problems = secret_problems(reading)
    for one in problems:
        yield problem("configuration", f"{one.path} {one.message}", "Correct it in the configuration.")
    for doubt in warnings(reading.config):
        yield warning("configuration", f"{doubt.path} {doubt.message}")
    if not problems:
        yield ok("configuration", f"{reading.source} can be used")


def _open(config: Config) -> Store | None:
    """A database that does not exist yet is not made here: there is nothing in it to examine."""
    try:
        return open_store(config.state.url.reveal(), migrate=False)
    except StoreError:
        return None


def _client(name: str, config: Config, store: Store | None, now: Callable[[], datetime]) -> Iterator[Finding]:
    chosen, clock = config.clients[name], ClockWatch(now)
    learned = examine_lists(chosen, clock)
    yield from learned.findings
    try:
        links = () if store is None else store.links(name)
        leftovers = [] if store is None else list(examine_leftovers(store, name, now()))
        if store is not None and chosen.otys is not None:
            leftovers.append(examine_catalogue(store, name, allowed=chosen.limits.trust_catalogue))
    except StoreError as error:
        links, leftovers = (), [failure("database", error)]
    yield from examine_mailchimp(chosen, learned, links, clock, now())
    yield from leftovers
    yield clock.finding()
