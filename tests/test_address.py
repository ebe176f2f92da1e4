import unicodedata

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from reconciler.address import normalise, refuse_reason


@pytest.mark.parametrize(
    "text",
    ["jan@klant.nl", "Jan@Klant.NL", "  jan@klant.nl\n", "\u00a0jan@klant.nl\t"],
)
def test_case_and_surrounding_space_make_no_other_address(text: str) -> None:
    assert normalise(text) == "jan@klant.nl"


def test_a_letter_with_its_accent_apart_is_the_same_letter() -> None:
    assert normalise("JOSE\u0301@klant.nl") == normalise("jos\u00e9@klant.nl") == "jos\u00e9@klant.nl"


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.emails())
def test_any_spelling_of_an_address_is_one_address(text: str) -> None:
    assert normalise(f" {unicodedata.normalize('NFD', text.upper())} ") == normalise(text)


@pytest.mark.parametrize("text", ["jan@klant.nl", "j.o+tag@sub.klant.co.uk", "jos\u00e9@klant.nl"])
def test_an_address_that_can_be_mailed_is_not_refused(text: str) -> None:
    assert refuse_reason(text) == ""


@given(st.emails() | st.from_regex(r"[a-z0-9_+\-.@\"<> ]{1,70}(@([a-z0-9\-]{1,9}\.){0,3}(nl|test|x1|))?"))
def test_an_address_is_refused_as_the_library_refuses_it(text: str) -> None:
    try:
        validate_email(text, check_deliverability=False)
        refused_because = ""
    except EmailNotValidError as error:
        refused_because = str(error)

    assert refuse_reason(text) == refused_because


def test_a_plain_name_at_a_long_domain_is_refused_when_both_together_are_too_long() -> None:
    domain = ".".join(["x" * 63] * 3) + ".nl"

    assert refuse_reason(f"jan@{domain}") == ""
    assert "too long" in refuse_reason(f"{'x' * 64}@{domain}")


@pytest.mark.parametrize(
    "text",
    ["", "jan", "jan@", "@klant.nl", "jan jansen@klant.nl", "jan@klant", "a@b@klant.nl", "jan@klant..nl"],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str) -> None:
    assert len(refuse_reason(text)) > 10
