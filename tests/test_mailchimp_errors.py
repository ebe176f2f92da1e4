import json

import pytest

from reconciler.api.http import Answer
from reconciler.api.mailchimp_errors import error_of, refusal_of, refusal_of_row, seconds_to_wait
from reconciler.errors import (
    BadRequest,
    CredentialsRejected,
    NotFound,
    PermissionDenied,
    RemoteError,
    Unreachable,
)
from reconciler.model import RefusalKind

INVALID = "Invalid Resource"
SEE_ERRORS = (
    "The resource submitted could not be validated. For field-specific details, see the 'errors' array."
)


def answer(status: int, title: str = "", detail: str = "", **more: object) -> Answer:
    body = {"title": title, "status": status, "detail": detail, "instance": "x", **more}
    return Answer(status, {"content-type": "application/problem+json"}, json.dumps(body).encode())


# facts/mailchimp.md, 41: status, title and what the daemon makes of the whole request.
@pytest.mark.parametrize(
    ("status", "title", "detail", "kind"),
    [
        (400, INVALID, "Please provide a valid email address.", BadRequest),
        (400, "Member Exists", "", BadRequest),
        (400, "JSONParseError", "We encountered an unspecified JSON parsing error.", BadRequest),
        (401, "API Key Invalid", "Your API key may be invalid", CredentialsRejected),
        (401, "API Key Missing", "Your request did not include an API key.", CredentialsRejected),
        (403, "Forbidden", "The API key provided is linked to datacenter 'us6'", CredentialsRejected),
        (403, "WrongDatacenter", "The API key is for another one", CredentialsRejected),
        (403, "UserDisabled", "This account has been disabled.", CredentialsRejected),
        (403, "Forbidden", "", CredentialsRejected),
        (403, "User action not permitted", "", PermissionDenied),
        (403, "Forbidden", "User does not have access to the requested operation", PermissionDenied),
        (404, "Resource Not Found", "The requested resource could not be found.", NotFound),
        (405, "Method Not Allowed", "This list member cannot be removed.", BadRequest),
        (414, "ResourceNestingTooDeep", "", BadRequest),
        (422, "RequestedFieldsInvalid", "", BadRequest),
        (426, "Upgrade Required", "", BadRequest),
        (500, "InternalServerError", "", Unreachable),
        (503, "ComplianceRelated", "", Unreachable),
    ],
)
def test_a_refused_request_is_classified_by_status_and_title(
    status: int, title: str, detail: str, kind: type[RemoteError]
) -> None:
    assert type(error_of(answer(status, title, detail), "POST /lists")) is kind


@pytest.mark.parametrize("kind", ["https://example.org/other", "about:blank"])
def test_the_type_of_a_refusal_means_nothing(kind: str) -> None:
    error = error_of(answer(400, "Member Exists", "x", type=kind), "PUT /lists/a/members/…")

    assert isinstance(error, BadRequest)
    assert refusal_of(error) is RefusalKind.MEMBER_EXISTS


def test_a_block_for_compliance_tells_the_operator_to_log_in() -> None:
    error = error_of(answer(503, "ComplianceRelated"), "GET /lists")

    assert "compliance" in str(error)
    assert "Log in to Mailchimp" in error.advice


def test_the_wrong_data_centre_is_told_from_a_disabled_user() -> None:
    wrong = error_of(answer(403, "Forbidden", "linked to datacenter 'us6'"), "GET /lists")
    disabled = error_of(answer(403, "UserDisabled", ""), "GET /lists")

    assert isinstance(wrong, CredentialsRejected)
    assert "suffix" in wrong.advice
    assert isinstance(disabled, CredentialsRejected)
    assert "Enable the user" in disabled.advice


@pytest.mark.parametrize("body", [b"", b"<html>Request Blocked</html>", b"[]", b"\xff\xfe"])
def test_a_403_without_a_json_object_is_a_block_for_too_many_requests(body: bytes) -> None:
    seconds = seconds_to_wait(Answer(403, {}, body))

    assert seconds is not None
    assert seconds > 0


def test_a_403_with_a_problem_is_no_block() -> None:
    assert seconds_to_wait(answer(403, "User action not permitted")) is None
    assert seconds_to_wait(answer(404)) is None


def test_an_error_names_no_address_in_its_own_text() -> None:
    error = error_of(
        answer(400, "jan@klant.nl refused", "jan@klant.nl looks fake or invalid", errors=[]),
        "PUT /lists/a/members/…",
    )

    assert isinstance(error, BadRequest)
    assert "jan@klant.nl" not in f"{error} {error.advice} {error!r}"
    assert error.detail == "jan@klant.nl looks fake or invalid"


@pytest.mark.parametrize("errors", [None, [], [{"field": "FNAME"}], [{"message": "?"}]])
def test_a_problem_with_holes_is_still_a_problem(errors: object) -> None:
    error = error_of(answer(400, INVALID, "", errors=errors), "POST /lists")

    assert isinstance(error, BadRequest)
    assert error.title == INVALID


# facts/mailchimp.md, 22, 28, 36, 41: what one contact was refused for.
@pytest.mark.parametrize(
    ("title", "detail", "errors", "kind"),
    [
        ("Member Exists", "x is already a list member.", [], RefusalKind.MEMBER_EXISTS),
        ("member exists", "in other letters", [], RefusalKind.MEMBER_EXISTS),
        ("Member In Compliance State", "anything", [], RefusalKind.COMPLIANCE),
        ("Forgotten Email Not Subscribed", "anything", [], RefusalKind.FORGOTTEN),
        (INVALID, "Please provide a valid email address.", [], RefusalKind.INVALID_ADDRESS),
        (
            INVALID,
            "a@b.nl looks fake or invalid, please enter a real email address.",
            [],
            RefusalKind.FAKE_ADDRESS,
        ),
        (
            INVALID,
            "Your merge fields were invalid.",
            [("AGE", "Please enter a number")],
            RefusalKind.MERGE_FIELDS,
        ),
        (INVALID, SEE_ERRORS, [("AGE", "words never seen before")], RefusalKind.MERGE_FIELDS),
        (
            INVALID,
            SEE_ERRORS,
            [("email address", '"b@x" is already in this list with a status of "subscribed".')],
            RefusalKind.MEMBER_EXISTS,
        ),
        (
            INVALID,
            SEE_ERRORS,
            [("email_address", "This value should not be blank.")],
            RefusalKind.INVALID_ADDRESS,
        ),
        (
            INVALID,
            "a@b.nl has signed up to a lot of lists very recently; we're not allowing more signups for now",
            [],
            RefusalKind.TOO_MANY_SIGNUPS,
        ),
        (INVALID, "words never seen before", [], RefusalKind.UNKNOWN),
        (INVALID, SEE_ERRORS, [("status", "Value must be one of: a, b")], RefusalKind.UNKNOWN),
    ],
)
def test_the_refusal_of_one_contact_is_classified(
    title: str, detail: str, errors: list[tuple[str, str]], kind: RefusalKind
) -> None:
    rows = [{"field": field, "message": message} for field, message in errors]
    error = error_of(answer(400, title, detail, errors=rows), "PUT /lists/a/members/…")

    assert isinstance(error, BadRequest)
    assert refusal_of(error) is kind


# facts/mailchimp.md, 42 and 43: what a row of a batch was refused for.
@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (
            "ERROR_CONTACT_EXISTS",
            (
                "a@b.nl is already a list member, do you want to update? please provide update_existing:true "
                "in the request body"
            ),
            RefusalKind.MEMBER_EXISTS,
        ),
        ("ERROR_CONTACT_EXISTS", "", RefusalKind.MEMBER_EXISTS),
        ("", "a@b.nl is already a list member, do you want to update?", RefusalKind.MEMBER_EXISTS),
        ("ERROR_GENERIC", 'This member\'s status is "cleaned."', RefusalKind.BOUNCED),
        ("ERROR_GENERIC", 'This member\'s status is "archived."', RefusalKind.ARCHIVED),
        ("ERROR_GENERIC", 'status is "archived."', RefusalKind.ARCHIVED),
        (
            "ERROR_GENERIC",
            'a@b.nl is already in this list with a status of "Unsubscribed"',
            RefusalKind.UNSUBSCRIBED,
        ),
        (
            "ERROR_GENERIC",
            'a@b.nl is already in this list with a status of "Subscribed"',
            RefusalKind.MEMBER_EXISTS,
        ),
        (
            "ERROR_GENERIC",
            "a@b.nl has previously unsubscribed from this list and must opt in again.",
            RefusalKind.UNSUBSCRIBED,
        ),
        (
            "ERROR_GENERIC",
            (
                "a@b.nl was previously removed from this audience. To rejoin, they'll need to sign up using "
                "a Mailchimp form."
            ),
            RefusalKind.FORGOTTEN,
        ),
        (
            "ERROR_GENERIC",
            (
                "a@b.nl was permanently deleted and cannot be re-imported. The contact must re-subscribe "
                "to get back on the list."
            ),
            RefusalKind.FORGOTTEN,
        ),
        (
            "ERROR_GENERIC",
            (
                "a@b.nl is in a compliance state due to unsubscribe, bounce, or compliance review "
                "and cannot be subscribed."
            ),
            RefusalKind.COMPLIANCE,
        ),
        (
            "ERROR_GENERIC",
            "a@b.nl looks fake or invalid, please enter a real email address.",
            RefusalKind.FAKE_ADDRESS,
        ),
        ("ERROR_GENERIC", "Please provide a valid email address.", RefusalKind.INVALID_ADDRESS),
        ("ERROR_GENERIC", "Your merge fields were invalid.", RefusalKind.MERGE_FIELDS),
        (
            "ERROR_GENERIC",
            "a@b.nl has signed up to a lot of lists very recently; we're not allowing more signups for now",
            RefusalKind.TOO_MANY_SIGNUPS,
        ),
        ("ERROR_GENERIC", "words never seen before", RefusalKind.UNKNOWN),
        ("ERROR_GENERIC", "", RefusalKind.UNKNOWN),
        ("ERROR_BRAND_NEW", 'status is "frozen."', RefusalKind.UNKNOWN),
    ],
)
def test_a_refused_row_is_classified_by_code_then_text(code: str, text: str, kind: RefusalKind) -> None:
    assert refusal_of_row(error_code=code, error=text) is kind


def test_a_refused_row_that_names_a_merge_field_is_about_merge_fields() -> None:
    kind = refusal_of_row(error_code="ERROR_GENERIC", error="?", field="AGE", field_message="new words")

    assert kind is RefusalKind.MERGE_FIELDS
