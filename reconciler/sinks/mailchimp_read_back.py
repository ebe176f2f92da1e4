"""Knows whether what Mailchimp acknowledged is what it shows."""

from collections.abc import Sequence

from reconciler.api.mailchimp import Mailchimp
from reconciler.api.mailchimp_wire import member_hash
from reconciler.effort import CONTACTS_A_PAGE, READ_BACK_SAMPLE, REMOVALS_TO_LIST
from reconciler.model import AudienceId, Change, Contact, Outcome, Standing, Verb
from reconciler.sinks.mailchimp_account import AudienceContacts
from reconciler.sinks.mailchimp_outcomes import known_contact_id, not_true


class ReadBack:
    """Reads contacts of one audience again after they were written."""

    def __init__(self, client: Mailchimp, audience_id: AudienceId) -> None:
        self._contacts = AudienceContacts(client, audience_id)

    def check(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Given outcomes, return a `not_true` one for every removal and for each sampled write that is not.

        Raise RemoteError when it cannot be read.
        """
        true = [outcome for outcome in outcomes if outcome.result.moves_base]
        removals = [outcome for outcome in true if outcome.change.verb is Verb.REMOVE]
        written = [outcome for outcome in true if _was_written(outcome.change)]
        checked = [self._removal(outcome) for outcome in self._not_listed_as_archived(removals)]
        checked += [self._writing(outcome) for outcome in _sample(written)]
        return [outcome for outcome in checked if outcome]

    def _not_listed_as_archived(self, removals: Sequence[Outcome]) -> list[Outcome]:
        """Leave out the removals that the newest pages of archived contacts prove."""
        if len(removals) < REMOVALS_TO_LIST:
            return list(removals)
        pages = -(-len(removals) // CONTACTS_A_PAGE)
        archived: set[str] = set()
        for page in range(pages):
            archived |= self._contacts.newest(Standing.ARCHIVED, page=page)
        return [outcome for outcome in removals if _seen(outcome.change).id not in archived]

    def _removal(self, outcome: Outcome) -> Outcome | None:
        contact = self._contacts.find(_seen(outcome.change).id)
        if contact is None or contact.standing is Standing.ARCHIVED:
            return None
        return not_true(outcome.change, f"removed, and yet Mailchimp shows it {contact.standing}")

    def _writing(self, outcome: Outcome) -> Outcome | None:
        change = outcome.change
        contact = self._contacts.find(member_hash(change.address), outcome.contact_id)
        if contact is None:
            return not_true(change, f"{change.verb} was acknowledged, and yet Mailchimp does not find it")
        difference = _difference(change, contact)
        return not_true(change, difference) if difference else None


def _was_written(change: Change) -> bool:
    return change.verb in (Verb.ADD, Verb.RENAME) or (
        change.verb in (Verb.ADOPT, Verb.UPDATE) and bool(change.fields)
    )


def _sample(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Given outcomes, return a few from all over them: a verb that fails as a whole shows."""
    last = len(outcomes) - 1
    if last < READ_BACK_SAMPLE:
        return list(outcomes)
    return [outcomes[round(place * last / (READ_BACK_SAMPLE - 1))] for place in range(READ_BACK_SAMPLE)]


def _difference(change: Change, contact: Contact) -> str:
    # A contact may have another address in Mailchimp than on the list: only these two say where it is to be.
    if change.verb in (Verb.ADD, Verb.RENAME) and contact.address != change.address:
        return f"{change.verb} was acknowledged, and yet Mailchimp shows another address"
    if change.verb is Verb.ADD and contact.standing is not Standing.SUBSCRIBED:
        return f"added, and yet Mailchimp shows it {contact.standing}"
    known = known_contact_id(change)
    if change.verb is Verb.RENAME and known and contact.contact_id and contact.contact_id != known:
        return "renamed, and yet Mailchimp shows another contact at the new address"
    different = sorted(
        tag for tag, value in change.fields.items() if not _same(contact.fields.get(tag, ""), value)
    )
    return f"{', '.join(different)}: written, and yet Mailchimp shows something else" if different else ""


def _same(shown: str, written: str) -> bool:
    """Whether two values are one: Mailchimp trims texts and spells numbers its own way."""
    if " ".join(shown.split()) == " ".join(written.split()):
        return True
    try:
        return float(shown) == float(written)
    except ValueError:
        return False


def _seen(change: Change) -> Contact:
    if change.contact is None:
        raise ValueError(f"{change.verb} needs the contact as it was seen")
    return change.contact
