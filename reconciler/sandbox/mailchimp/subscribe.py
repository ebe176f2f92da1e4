"""POST /lists/{list_id}: up to 500 contacts at once, refused row by row, facts/mailchimp.md, 42 and 43."""

from dataclasses import dataclass, field

import msgspec

from reconciler.sandbox.mailchimp import addresses, problems, render
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.contacts import ContactBody, ContactRules, writable_status
from reconciler.sandbox.mailchimp.links import links
from reconciler.sandbox.mailchimp.problems import Problem
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import Contact, Refusal, Status, key, subscriber_hash

MOST_ROWS = 500
_GENERIC = "ERROR_GENERIC"


class SubscribeBody(msgspec.Struct):
    """What is sent."""

    members: list[ContactBody] | None = None
    update_existing: bool = False
    sync_tags: bool = False


class RowError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why one row was refused; a field is named only if one is at fault."""

    email_address: str
    error: str
    error_code: str
    field: str = ""
    field_message: str = ""


class _RowRefused(Exception):
    def __init__(self, error: RowError) -> None:
        super().__init__(error.error_code)
        self.error = error


@dataclass(slots=True)
class _Outcome:
    created: list[Contact] = field(default_factory=list)
    updated: list[Contact] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def subscribe(call: Call) -> Json:
    """Given the call, apply every row that can be applied and return the others as errors.

    Raise Problem, having applied nothing, if there are more than 500 rows.
    """
    audience, body = call.audience(), call.body(SubscribeBody)
    if body.members is None:
        raise problems.missing("members")
    if len(body.members) > MOST_ROWS:
        raise problems.too_many_items()
    rows = _first_of_each(body.members) if call.flag("skip_duplicate_check") else body.members
    outcome = _apply(call, rows, update_existing=body.update_existing)
    return {
        "new_members": [render.contact(audience, one) for one in outcome.created],
        "updated_members": [render.contact(audience, one) for one in outcome.updated],
        "errors": outcome.errors,
        "total_created": len(outcome.created),
        "total_updated": len(outcome.updated),
        "error_count": len(outcome.errors),
        "_links": links(f"/lists/{audience.id}"),
    }


def _first_of_each(rows: list[ContactBody]) -> list[ContactBody]:
    first: dict[str, ContactBody] = {}
    for row in rows:
        first.setdefault(key(row.email_address or ""), row)
    return list(first.values())


def _apply(call: Call, rows: list[ContactBody], *, update_existing: bool) -> _Outcome:
    outcome, rules = _Outcome(), call.rules(many=True)
    skip_validation = call.flag("skip_merge_validation")
    for row in rows:
        address = (row.email_address or "").strip()
        body = row if call.state.switches.batch_honours_tags else msgspec.structs.replace(row, tags=[])
        try:
            addresses.check(address)
            held = rules.audience.at_address(address)
            if held is None:
                outcome.created.append(_create(rules, address, body, skip_validation=skip_validation))
            else:
                _check_updatable(rules, held, address, update_existing=update_existing)
                wanted = _without_refused_status(rules, held, body)
                outcome.updated.append(rules.update(held, wanted, skip_validation=skip_validation))
        except _RowRefused as refused:
            outcome.errors.append(refused.error)
        except Problem as problem:
            outcome.errors.append(_row_error(address, problem))
    return outcome


def _create(rules: ContactRules, address: str, body: ContactBody, *, skip_validation: bool) -> Contact:
    if subscriber_hash(address) in rules.audience.forgotten:
        raise _refused(
            address,
            f"{address} was previously removed from this audience. "
            "To rejoin, they'll need to sign up using a Mailchimp form.",
        )
    if body.status is None:
        raise problems.missing("status")
    return rules.create(address, writable_status(body.status), body, skip_validation=skip_validation)


def _check_updatable(rules: ContactRules, held: Contact, address: str, *, update_existing: bool) -> None:
    if held.status is Status.ARCHIVED:
        if not update_existing and not rules.state.switches.batch_revives_archived:
            raise _refused(address, 'This member\'s status is "archived."')
    elif not update_existing:
        raise _RowRefused(
            RowError(
                email_address=address,
                error=f"{address} is already a list member, do you want to update? "
                "please provide update_existing:true in the request body",
                error_code="ERROR_CONTACT_EXISTS",
            )
        )


def _without_refused_status(rules: ContactRules, held: Contact, body: ContactBody) -> ContactBody:
    """Given a row about a contact, return it without a status that is ignored in silence, 29."""
    if body.status != Status.SUBSCRIBED or held.status is Status.SUBSCRIBED:
        return body
    match rules.refuses(held):
        case Refusal.BY_API:
            return msgspec.structs.replace(body, status=None)
        case Refusal.BY_PERSON:
            raise _refused(
                held.email_address,
                f"{held.email_address} has previously unsubscribed from this list and must opt in again.",
            )
        case Refusal.BOUNCED:
            raise _refused(held.email_address, 'This member\'s status is "cleaned."')
        case _:
            return body


def _refused(address: str, text: str) -> _RowRefused:
    return _RowRefused(RowError(email_address=address, error=text, error_code=_GENERIC))


def _row_error(address: str, problem: Problem) -> RowError:
    if not problem.errors:
        return RowError(email_address=address, error=problem.detail, error_code=_GENERIC)
    first = problem.errors[0]
    return RowError(
        email_address=address,
        error=problem.detail,
        error_code=_GENERIC,
        field=first.field,
        field_message=first.message,
    )
