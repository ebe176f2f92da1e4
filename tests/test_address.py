import unicodedata

import pytest
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


@pytest.mark.parametrize(
    "text",
    ["", "jan", "jan@", "@klant.nl", "jan jansen@klant.nl", "jan@klant", "a@b@klant.nl", "jan@klant..nl"],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str) -> None:
    assert len(refuse_reason(text)) > 10
