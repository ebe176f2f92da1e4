"""Opt-outs on their way to OTYS: told by a pass where there is a call for it, entered by hand elsewhere."""

import hashlib
from collections.abc import Sequence

import msgspec

from reconciler.errors import RemoteError, StaleApproval, in_words
from reconciler.model import OptOut
from reconciler.ports import OptOutSink
from reconciler.report import OptOutsReport
from reconciler.running import Pass

SHORTEST_DIGEST = 6


def tell_otys(running: Pass) -> OptOutsReport:
    """Given a pass that has written nothing yet, tell OTYS who opted out; return what became of it.

    No limit withholds it. What OTYS refuses is told again by the next pass, and ends nothing here.
    """
    client = running.client
    waiting = client.store.opt_outs(client.name)
    sink = client.opt_outs
    tellable = [] if sink is None else [one for one in waiting if sink.can_tell(one)]
    told, problem = (frozenset[int](), "") if sink is None else _tell(running, sink, tellable)
    left = [one for one in waiting if one.number not in told]
    return OptOutsReport(
        told=len(told),
        waiting=len(left),
        waiting_since=min((one.since for one in left), default=None),
        owed=len(tellable) - len(told),
        problem=problem,
    )


def digest_of(opt_outs: Sequence[OptOut]) -> str:
    """Given opt-outs, return the digest by which somebody says that exactly these were entered."""
    digest = hashlib.sha256()
    for opt_out in opt_outs:
        digest.update(_said(opt_out))
    return digest.hexdigest()


def entered(opt_outs: Sequence[OptOut], digest: str) -> tuple[OptOut, ...]:
    """Given the opt-outs that OTYS does not know of, and the digest that was shown, return those it is about.

    They are the oldest ones: whoever opted out since they were shown was not entered. Raise StaleApproval
    when they are not the same any more.
    """
    told = hashlib.sha256()
    for count, opt_out in enumerate(opt_outs, start=1):
        told.update(_said(opt_out))
        if len(digest) >= SHORTEST_DIGEST and told.hexdigest().startswith(digest.lower()):
            return tuple(opt_outs[:count])
    raise StaleApproval(
        f"No opt-outs that wait to be entered have the digest {digest!r}.",
        advice="Somebody came back, or they were marked already: run `reconciler optouts` again with the "
        "same options, and mark what it shows then.",
    )


def _tell(running: Pass, sink: OptOutSink, opt_outs: Sequence[OptOut]) -> tuple[frozenset[int], str]:
    """Return the numbers of those that were told, and why the others were not."""
    told: set[int] = set()
    problems: list[str] = []
    try:
        for tellings in sink.tell(opt_outs):
            done = [one.opt_out for one in tellings if not one.problem]
            running.client.store.mark_told(done, running.now())
            told.update(one.number for one in done)
            problems += (one.problem for one in tellings if one.problem)
            running.require_lock()
    except RemoteError as error:
        problems.append(in_words(error))
    return frozenset(told), next(iter(problems), "")


def _said(opt_out: OptOut) -> bytes:
    persons = [str(person) for person in opt_out.persons]
    return msgspec.json.encode([opt_out.number, opt_out.address, persons, opt_out.reason])
