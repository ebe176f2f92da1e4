"""Knows in which order and in how many requests changes are written, and when to stop."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from reconciler.api.mailchimp import Mailchimp
from reconciler.effort import (
    MANY_REMOVALS,
    NEWCOMERS_AT_ONCE,
    REMOVALS_BETWEEN_LOOKS,
    WRITES_SIDE_BY_SIDE,
)
from reconciler.errors import RemoteError
from reconciler.model import AudienceId, Change, Outcome, Standing, Verb
from reconciler.sinks.mailchimp_account import AudienceContacts
from reconciler.sinks.mailchimp_adds import ContactAdder
from reconciler.sinks.mailchimp_contacts import ContactWriter
from reconciler.sinks.mailchimp_outcomes import PASSING_TROUBLES, already_true, retry_later, troubled, untried
from reconciler.threads import threads

SINGLE_WRITES_AT_A_TIME = 40
"""So many outcomes at most are unknown to the store when the program is killed."""

SAID_NO = "the contact unsubscribed meanwhile; the next pass sees it"

_VERBS = (Verb.RENAME, Verb.ADD, Verb.ADOPT, Verb.UPDATE, Verb.REMOVE)


class Applying:
    """Writes changes of one audience until they are all written or the service stops answering."""

    def __init__(self, client: Mailchimp, audience_id: AudienceId, params: Mapping[str, str]) -> None:
        self._adder = ContactAdder(client, audience_id, params)
        self._writer = ContactWriter(client, audience_id, params)
        self._contacts = AudienceContacts(client, audience_id)
        self._stop = threading.Event()
        self._fatal: RemoteError | None = None

    def write(self, changes: Sequence[Change]) -> Iterator[Sequence[Outcome]]:
        """Given changes, write them; yield outcomes request by request or in small groups.

        Raise RemoteError, after the outcomes known so far, when it is about the audience or the account.
        """
        steps = _steps(changes)
        if steps.nothing_to_write:
            yield [already_true(change) for change in steps.nothing_to_write]
        yield from self._singly(steps.renames)
        yield from self._at_once(steps.newcomers)
        yield from self._singly(steps.returners)
        yield from self._singly(steps.edits)
        yield from self._removed(steps.removals)

    def _at_once(self, changes: Sequence[Change]) -> Iterator[Sequence[Outcome]]:
        for group in _groups(changes, NEWCOMERS_AT_ONCE):
            if self._stop.is_set():
                yield [untried(change) for change in group]
            else:
                yield from self._add(group)

    def _add(self, changes: Sequence[Change]) -> Iterator[Sequence[Outcome]]:
        known = 0
        try:
            for outcomes in self._adder.add(changes):
                known += len(outcomes)
                yield outcomes
        except PASSING_TROUBLES as error:
            self._stop.set()
            yield [troubled(change, error) for change in changes[known:]]

    def _singly(self, changes: Sequence[Change]) -> Iterator[Sequence[Outcome]]:
        for group in _groups(changes, SINGLE_WRITES_AT_A_TIME):
            with threads(min(WRITES_SIDE_BY_SIDE, len(group)), "write") as writers:
                results = list(writers.map(self._one, group))
            if self._fatal:
                if known := [outcome for outcome in results if outcome]:
                    yield known
                raise self._fatal
            yield [*map(_told, group, results)]

    def _removed(self, changes: Sequence[Change]) -> Iterator[Sequence[Outcome]]:
        """Archiving hides a no (facts/mailchimp.md, 32), and archiving thousands takes an hour."""
        if len(changes) <= MANY_REMOVALS:
            yield from self._singly(changes)
            return
        for group in _groups(changes, REMOVALS_BETWEEN_LOOKS):
            try:
                unsubscribed = self._unsubscribed_lately()
            except PASSING_TROUBLES as error:
                self._stop.set()
                yield [retry_later(change, f"not tried: {error}") for change in group]
                continue
            late = [change for change in group if _is_among(unsubscribed, change)]
            if late:
                yield [retry_later(change, SAID_NO) for change in late]
            yield from self._singly([change for change in group if not _is_among(unsubscribed, change)])

    def _unsubscribed_lately(self) -> AbstractSet[str]:
        return set() if self._stop.is_set() else self._contacts.newest(Standing.UNSUBSCRIBED)

    def _one(self, change: Change) -> Outcome | None:
        """Given a change, return what became of it, None if it was not tried or the whole is at fault."""
        if self._stop.is_set():
            return None
        try:
            return self._writer.write(change)
        except PASSING_TROUBLES as error:
            self._stop.set()
            return troubled(change, error)
        except RemoteError as error:
            # Raised later: the outcomes of the writes beside this one must not get lost.
            self._fatal = error
            self._stop.set()
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Steps:
    nothing_to_write: Sequence[Change]
    renames: Sequence[Change]
    newcomers: Sequence[Change]
    returners: Sequence[Change]
    """Archived contacts: only a PUT with the status brings one back (facts/mailchimp.md, 26)."""
    edits: Sequence[Change]
    removals: Sequence[Change]


def _steps(changes: Sequence[Change]) -> _Steps:
    for change in changes:
        if change.verb not in _VERBS:
            raise ValueError(f"{change.verb} is nothing that is written to Mailchimp")
        if change.contact is None and change.verb is not Verb.ADD:
            raise ValueError(f"{change.verb} needs the contact as it was seen")
    edits = _of(changes, Verb.ADOPT, Verb.UPDATE)
    adds = _of(changes, Verb.ADD)
    return _Steps(
        nothing_to_write=[change for change in edits if not change.fields],
        renames=_of(changes, Verb.RENAME),
        newcomers=[change for change in adds if change.contact is None],
        returners=[change for change in adds if change.contact],
        edits=[change for change in edits if change.fields],
        removals=_of(changes, Verb.REMOVE),
    )


def _is_among(unsubscribed: AbstractSet[str], change: Change) -> bool:
    """Whoever had unsubscribed before it was decided is archived as decided."""
    seen = change.contact
    return seen is not None and seen.standing is Standing.SUBSCRIBED and seen.id in unsubscribed


def _told(change: Change, outcome: Outcome | None) -> Outcome:
    return outcome or untried(change)


def _of(changes: Sequence[Change], *verbs: Verb) -> list[Change]:
    return [change for change in changes if change.verb in verbs]


def _groups(changes: Sequence[Change], size: int) -> Iterator[Sequence[Change]]:
    for start in range(0, len(changes), size):
        yield changes[start : start + size]
