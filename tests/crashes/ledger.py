"""What reached Mailchimp, as its own log tells it, and what our history says of it, in the same words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

import msgspec

from reconciler.document import ChangeDocument
from reconciler.model import PassId, Result, Verb
from reconciler.recorded import recorded_pass
from reconciler.sandbox.mailchimp.state import subscriber_hash
from reconciler.sandbox.requestlog import LoggedRequest
from reconciler.store import Store

EDIT = "adopt or update"
"""A request does not tell which of the two it is."""
_AS_SENT = {"adopt": EDIT, "update": EDIT}
WRITING = frozenset(
    {"add", "adopt", "update", "rename", "remove", "create", "rename-audience", "update-settings", "delete"}
)


@dataclass(frozen=True, order=True)
class Entry:
    """One change of one list."""

    list_uid: str
    verb: str
    address: str
    """Empty for a change of the audience."""
    written: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What was sent."""

    def __hash__(self) -> int:
        """Return a hash of what is compared."""
        return hash((self.list_uid, self.verb, self.address))


class _Member(msgspec.Struct):
    email_address: str = ""
    status: str = ""
    merge_fields: dict[str, str] = {}


class _Body(msgspec.Struct):
    name: str | None = None
    permission_reminder: str | None = None
    tag: str = ""
    members: list[_Member] = []


@dataclass(frozen=True)
class Ledger:
    """Reads both: who has which address, which list an audience belongs to, and whom Mailchimp refuses."""

    store: Store
    addresses: Iterable[str]
    refused: frozenset[str]

    def sent(self, requests: Iterable[LoggedRequest]) -> list[Entry]:
        """Given requests, return what those that were applied changed in Mailchimp."""
        return [entry for one in requests if one.applied for entry in self._entries(one)]

    def told(self, since: PassId) -> list[Entry]:
        """Given a pass, return what it and those after it say they changed in Mailchimp."""
        addresses = {self.store.key_address(email): email for email in self.addresses}
        told = Counter(
            Entry(
                outcome.list_uid,
                _AS_SENT.get(outcome.verb, outcome.verb),
                addresses[outcome.address_key] if outcome.address_key else "",
            )
            for record in self.store.passes("acme")
            if record.id >= since
            for outcome in self.store.outcomes(record.id)
            if outcome.result is Result.APPLIED and outcome.verb in WRITING
        )
        # To adopt a contact that is as it should be is to remember that it is ours.
        quiet = Counter(
            entry for entry, change in self.documents(since) if change.verb == Verb.ADOPT and not change.after
        )
        return list((told - quiet).elements())

    def documents(self, since: PassId) -> list[tuple[Entry, ChangeDocument]]:
        """Given a pass, return what an operator is shown of each of those changes."""
        return [
            (Entry(change.list, _AS_SENT.get(change.verb, change.verb), change.email or ""), change)
            for record in self.store.passes("acme")
            if record.id >= since
            for change in recorded_pass(self.store, record).changes
            if change.result == Result.APPLIED and change.verb in WRITING
        ]

    def _entries(self, request: LoggedRequest) -> Iterator[Entry]:
        parts = [unquote(part) for part in request.path.removeprefix("/3.0/lists").split("/")[1:]]
        if not parts:
            name = msgspec.json.decode(request.body, type=_Body).name or ""
            yield Entry(self._list_called(name), "create", "", {"name": name})
            return
        list_uid = self._list_of(parts[0])
        match parts[1:]:
            case []:
                yield from self._of_audience(list_uid, request)
            case ["merge-fields"]:
                tag = msgspec.json.decode(request.body, type=_Body).tag
                yield Entry(list_uid, "update-settings", "", {"merge_field": tag})
            case ["members", key]:
                yield self._of_contact(list_uid, request.method, key, request.body)
            case _:
                raise ValueError(f"nobody should send {request.method} {request.path}")

    def _of_audience(self, list_uid: str, request: LoggedRequest) -> Iterator[Entry]:
        if request.method == "DELETE":
            yield Entry(list_uid, "delete", "")
            return
        sent = msgspec.json.decode(request.body, type=_Body)
        if sent.name is not None:
            yield Entry(list_uid, "rename-audience", "", {"name": sent.name})
        if sent.permission_reminder is not None:
            reminder = {"permission_reminder": sent.permission_reminder}
            yield Entry(list_uid, "update-settings", "", reminder)
        for member in sent.members:
            if member.email_address not in self.refused:
                yield Entry(list_uid, "add", member.email_address, member.merge_fields)

    def _of_contact(self, list_uid: str, method: str, key: str, body: bytes) -> Entry:
        if method == "DELETE":
            return Entry(list_uid, "remove", self._address(key))
        member = msgspec.json.decode(body, type=_Member)
        if method == "PATCH":
            return Entry(list_uid, EDIT, self._address(key), member.merge_fields)
        verb = "add" if member.status else "rename"
        return Entry(list_uid, verb, member.email_address, member.merge_fields)

    def _address(self, key: str) -> str:
        return next(email for email in self.addresses if subscriber_hash(email) == key)

    def _list_of(self, audience_id: str) -> str:
        return next(link.list_uid for link in self.store.links("acme") if link.audience_id == audience_id)

    def _list_called(self, name: str) -> str:
        return next(link.list_uid for link in self.store.links("acme") if link.list_name == name)


def differences(sent: Iterable[Entry], told: Iterable[Entry]) -> list[str]:
    """Given both, return a line for each change that only one of them knows, or knows more often."""
    requests, history = Counter(sent), Counter(told)
    return [
        *(f"not in the history: {entry} ({times} times)" for entry, times in (requests - history).items()),
        *(f"only in the history: {entry} ({times} times)" for entry, times in (history - requests).items()),
    ]
