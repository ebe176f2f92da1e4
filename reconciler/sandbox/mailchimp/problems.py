"""The errors Mailchimp answers with: their titles and texts, facts/mailchimp.md, 2.6."""

from collections.abc import Iterable

import msgspec

from reconciler.sandbox.service import Reply

DOCUMENTED_TYPE = "https://mailchimp.com/developer/marketing/docs/errors/"
_SCHEMA_OF_PROBLEMS = "https://us6.api.mailchimp.com/schema/3.0/Definitions/ProblemDetailDocument.json"
VALIDATION_FAILED = (
    "The resource submitted could not be validated. For field-specific details, see the 'errors' array."
)
INVALID_ADDRESS = "Please provide a valid email address."
MERGE_FIELDS_INVALID = "Your merge fields were invalid."


class FieldError(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Exception):
    """A request Mailchimp refuses."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        typed: bool = True,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{status} {title}")
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors
        self.typed = typed
        self.headers = headers

    def reply(self, instance: str) -> Reply:
        """Given the id of this occurrence, return the answer as application/problem+json, 40."""
        body: dict[str, object] = {"type": DOCUMENTED_TYPE} if self.typed else {}
        body |= {"title": self.title, "status": self.status, "detail": self.detail, "instance": instance}
        if self.errors:
            body["errors"] = self.errors
        headers = (
            ("Content-Type", "application/problem+json; charset=utf-8"),
            ("X-Request-Id", instance),
            ("Link", f'<{_SCHEMA_OF_PROBLEMS}>; rel="describedBy"'),
        )
        return Reply(self.status, msgspec.json.encode(body), headers + self.headers)


def invalid(detail: str, *errors: FieldError) -> Problem:
    """Given what is wrong, return the 400 of a resource that is not valid."""
    return Problem(400, "Invalid Resource", detail, errors=errors)


def invalid_field(field: str, message: str) -> Problem:
    """Given a field and what is wrong with it, return the 400 that names it."""
    return invalid(VALIDATION_FAILED, FieldError(field, message))


def missing(field: str) -> Problem:
    """Given a required field that was not sent, return the 400 that names it."""
    return invalid_field(field, "This value should not be blank.")


def not_accepted(field: str, accepted: Iterable[str]) -> Problem:
    """Given a field and the only values it may have, return the 400 that lists them."""
    return invalid_field(field, f"Data presented is not one of the accepted values: {', '.join(accepted)}.")


def not_found() -> Problem:
    """Return the 404 of anything that is not there."""
    return Problem(404, "Resource Not Found", "The requested resource could not be found.")


def unparsable() -> Problem:
    """Return the 400 of a body that is no JSON of the expected form."""
    return Problem(400, "JSONParseError", "We encountered an unspecified JSON parsing error.")


def bad_request(detail: str) -> Problem:
    """Given what is wrong, return the 400 of a request that can never work."""
    return Problem(400, "Bad Request", detail)


def member_exists(address: str) -> Problem:
    """Given an address that is on the audience, return the 400 that says so; it has no type, 40."""
    detail = f"{address} is already a list member. Use PUT to insert or update list members."
    return Problem(400, "Member Exists", detail, typed=False)


def address_taken(address: str) -> Problem:
    """Given the address another contact has, return the 400 of a rename onto it, 22 (b).

    The text says "subscribed" whatever the other contact's status is.
    """
    return invalid_field(
        "email address", f'"{address}" is already in this list with a status of "subscribed".'
    )


def in_compliance_state(address: str) -> Problem:
    """Given an address that said no, return the 400 of subscribing it, 28."""
    detail = (
        f"{address} is in a compliance state due to unsubscribe, bounce, or compliance review "
        "and cannot be subscribed."
    )
    return Problem(400, "Member In Compliance State", detail, typed=False)


def forgotten(address: str) -> Problem:
    """Given an address that was permanently deleted, return the 400 of adding it, 36."""
    detail = (
        f"{address} was permanently deleted and cannot be re-imported. "
        "The contact must re-subscribe to get back on the list."
    )
    return Problem(400, "Forgotten Email Not Subscribed", detail, typed=False)


def fake_address(address: str) -> Problem:
    """Given an address nobody can have, return the 400 that says so, 41."""
    return invalid(f"{address} looks fake or invalid, please enter a real email address.")


def too_many_lists(address: str) -> Problem:
    """Given an address that was signed up everywhere, return the 400 that asks for patience, 41."""
    return invalid(
        f"{address} has signed up to a lot of lists very recently; we're not allowing more signups for now"
    )


def merge_fields_invalid(errors: tuple[FieldError, ...]) -> Problem:
    """Given what is wrong with each merge field, return the 400 that lists it, 41."""
    return invalid(MERGE_FIELDS_INVALID, *errors)


def cannot_archive() -> Problem:
    """Return the 405 of removing a contact that is archived, pending or cleaned, 35."""
    return Problem(
        405,
        "Method Not Allowed",
        "This list member cannot be removed. Can not archive a contact that is bounced, pending or archived",
        headers=(("Allow", "GET, PUT"),),
    )


def method_not_allowed(allowed: list[str]) -> Problem:
    """Given the methods a path knows, return the 405 of another one."""
    detail = (
        "The requested method and resource are not compatible. "
        "See the Allow header for this resource's available methods."
    )
    return Problem(405, "Method Not Allowed", detail, headers=(("Allow", ", ".join(allowed)),))


def too_many_items() -> Problem:
    """Return the 400 of a batch of more than 500, 41."""
    return bad_request(
        "Maximum allowed member items exceeded, please provide at most 500 items in the members array."
    )


def not_permitted() -> Problem:
    """Return the vague 403 of a role without rights, or of one audience too many, 4 and 54."""
    return Problem(403, "User action not permitted", "User does not have access to the requested operation")


def key_missing() -> Problem:
    """Return the 401 of a request without credentials."""
    return Problem(401, "API Key Missing", "Your request did not include an API key.")


def key_invalid() -> Problem:
    """Return the 401 of a key that is not known, 3."""
    detail = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
    return Problem(401, "API Key Invalid", detail)


def wrong_datacenter(datacenter: str) -> Problem:
    """Given the data centre a key belongs to, return the 403 of using it elsewhere, 3."""
    return Problem(
        403, "Forbidden", f"The API key provided is linked to datacenter '{datacenter}'", typed=True
    )


def too_many_requests() -> Problem:
    """Return the 429 of more than ten simultaneous connections, 5."""
    return Problem(429, "Too Many Requests", "You have exceeded the limit of 10 simultaneous connections.")


def too_many_batches() -> Problem:
    """Return the 429 of the 501st pending batch, 56."""
    return Problem(429, "Too Many Requests", "You have more than 500 pending batches.")


def hung() -> Problem:
    """Return the 504 of a listing that never comes to an end, 17."""
    return Problem(504, "Gateway Timeout", "The request took too long.")
