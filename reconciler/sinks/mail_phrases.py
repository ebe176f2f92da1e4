"""What verbs, failures and refusals are called in mails."""

from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.effort import Effort
from reconciler.failure import FailureKind
from reconciler.model import ListVerb, RefusalKind, Verb
from reconciler.sinks.mail_matters import MatterKind
from reconciler.sinks.mail_words import Words, one_or_many, text
from reconciler.wording import roughly

_DONE: Final[Mapping[str, tuple[str, str]]] = {
    Verb.ADD: one_or_many("{count} added", "{count} added"),
    Verb.ADOPT: one_or_many("{count} adopted", "{count} adopted"),
    Verb.UPDATE: one_or_many("{count} updated", "{count} updated"),
    Verb.RENAME: one_or_many("{count} address changed", "{count} addresses changed"),
    Verb.REMOVE: one_or_many("{count} removed", "{count} removed"),
    Verb.SUPPRESS: one_or_many("{count} said no", "{count} said no"),
    Verb.FORGET: one_or_many("{count} forgotten", "{count} forgotten"),
    ListVerb.CREATE: one_or_many("{count} audience created", "{count} audiences created"),
    ListVerb.LINK: one_or_many("{count} audience linked", "{count} audiences linked"),
    ListVerb.RENAME_AUDIENCE: one_or_many("{count} audience renamed", "{count} audiences renamed"),
    ListVerb.UPDATE_SETTINGS: one_or_many(
        "{count} audience setting edited", "{count} audience settings edited"
    ),
    ListVerb.UNLINK: one_or_many("{count} audience unlinked", "{count} audiences unlinked"),
    ListVerb.DELETE: one_or_many("{count} audience deleted", "{count} audiences deleted"),
}
_TO_DO: Final[Mapping[str, tuple[str, str]]] = {
    Verb.ADD: one_or_many("add {count} contact", "add {count} contacts"),
    Verb.ADOPT: one_or_many("adopt {count} contact", "adopt {count} contacts"),
    Verb.UPDATE: one_or_many("update {count} contact", "update {count} contacts"),
    Verb.RENAME: one_or_many("change {count} address", "change {count} addresses"),
    Verb.REMOVE: one_or_many("remove {count} contact", "remove {count} contacts"),
    Verb.SUPPRESS: one_or_many("remember {count} no", "remember {count} nos"),
    Verb.FORGET: one_or_many("forget {count} contact", "forget {count} contacts"),
    ListVerb.CREATE: one_or_many("create {count} audience", "create {count} audiences"),
    ListVerb.LINK: one_or_many("link {count} audience", "link {count} audiences"),
    ListVerb.RENAME_AUDIENCE: one_or_many("rename {count} audience", "rename {count} audiences"),
    ListVerb.UPDATE_SETTINGS: one_or_many("edit {count} audience setting", "edit {count} audience settings"),
    ListVerb.UNLINK: one_or_many("unlink {count} audience", "unlink {count} audiences"),
    ListVerb.DELETE: one_or_many("delete {count} audience", "delete {count} audiences"),
}
_FAILURES: Final[Mapping[FailureKind, str]] = {
    FailureKind.UNREACHABLE: text("A service could not be reached. The next pass tries again by itself."),
    FailureKind.CERTIFICATE: text("A service's certificate is not trusted. Have your IT partner look at it."),
    FailureKind.THROTTLED: text(
        "A service asked for patience for too long. The next pass tries again by itself."
    ),
    FailureKind.KEY_REJECTED: text("An API key was rejected. Put a valid key in the settings."),
    FailureKind.NOT_PERMITTED: text("The user of an API key may not do this. Give it the right."),
    FailureKind.NOT_FOUND: text("Something that was there before is gone."),
    FailureKind.BAD_REQUEST: text("A service called a request wrong."),
    FailureKind.UNEXPECTED_ANSWER: text("A service gave an answer that cannot be understood."),
    FailureKind.CONFIGURATION: text("The configuration cannot be used."),
}
_REFUSALS: Final[Mapping[RefusalKind, str]] = {
    RefusalKind.INVALID_ADDRESS: text("the address is not valid"),
    RefusalKind.FAKE_ADDRESS: text("the address looks fake"),
    RefusalKind.MERGE_FIELDS: text("a merge field does not fit"),
    RefusalKind.MEMBER_EXISTS: text("the contact is there already"),
    RefusalKind.COMPLIANCE: text("the contact unsubscribed, bounced or awaits a review"),
    RefusalKind.FORGOTTEN: text("the contact was permanently deleted"),
    RefusalKind.UNSUBSCRIBED: text("the contact unsubscribed"),
    RefusalKind.BOUNCED: text("the address bounced"),
    RefusalKind.ARCHIVED: text("the contact is archived"),
    RefusalKind.TOO_MANY_SIGNUPS: text("signed up for too much lately; tried again after a day"),
    RefusalKind.CANNOT_ARCHIVE: text("the contact cannot be archived"),
    RefusalKind.UNDONE: text("it was undone by hand"),
    RefusalKind.UNKNOWN: text("for a reason that is not known"),
}
_OVER: Final[Mapping[str, str]] = {
    MatterKind.FAILED: text("{where}: works again"),
    MatterKind.WITHHELD: text("{where}: nothing is withheld any more"),
    MatterKind.HELD: text("{where}: waits for nobody any more"),
}


def done(words: Words, verb: str, count: int) -> str:
    """Given how often a verb was carried out, return it in words; empty for one that is told otherwise."""
    return words.ngettext(*_DONE[verb], count) if verb in _DONE else ""


def to_do(words: Words, verb: str, count: int) -> str:
    """Given how often a verb is planned, return it in words; empty for one that is told otherwise."""
    return words.ngettext(*_TO_DO[verb], count) if verb in _TO_DO else ""


def told_effort(words: Words, effort: Effort) -> Iterator[str]:
    """Given what writing something takes, yield it in words if it is worth telling."""
    if effort.worth_telling:
        yield words.gettext(
            "Writing it takes about {count} requests to Mailchimp, some {took}.",
            count=words.number(effort.requests),
            took=roughly(effort.seconds),
        )


def failure(words: Words, kind: FailureKind | None) -> str:
    """Given a kind of failure, return what it means and what to do; empty for one that says nothing."""
    return words.gettext(_FAILURES[kind]) if kind is not None and kind in _FAILURES else ""


def refusal(words: Words, kind: RefusalKind | None) -> str:
    """Given a kind of refusal, return why Mailchimp refused."""
    return words.gettext(_REFUSALS[kind or RefusalKind.UNKNOWN])


def over(words: Words, kind: str, where: str) -> str:
    """Given what ended and where it was, return it in words."""
    return words.gettext(_OVER[kind], where=where)
