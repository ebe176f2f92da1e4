import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.wording import (
    counted,
    describe,
    done,
    duration,
    printable,
    roughly,
    shortened,
    some_of,
    to_do,
)

TEXTS = st.text(st.characters())
FIELDS = st.dictionaries(st.sampled_from(["email", "status", "FNAME", "LNAME"]), TEXTS)


def test_a_changed_field_is_told_with_its_old_and_new_value() -> None:
    assert describe({"LNAME": "Jansen"}, {"LNAME": "de Jong"}) == ("LNAME: 'Jansen' → 'de Jong'",)


def test_the_address_comes_first_and_needs_no_quotes_and_what_stays_is_not_told() -> None:
    before = {"email": "a@x.nl", "FNAME": "Ada", "LNAME": "Bos"}
    after = {"email": "b@x.nl", "FNAME": "Ada", "LNAME": "Vos"}

    assert describe(before, after) == ("email: a@x.nl → b@x.nl", "LNAME: 'Bos' → 'Vos'")


def test_what_is_missing_on_one_side_is_empty() -> None:
    assert describe({}, {"FNAME": "Ada"}) == ("FNAME: '' → 'Ada'",)
    assert describe({"FNAME": "Ada"}, {}) == ("FNAME: 'Ada' → ''",)


@given(FIELDS, FIELDS)
def test_as_many_fields_are_told_as_differ(before: dict[str, str], after: dict[str, str]) -> None:
    differing = {name for name in {*before, *after} if before.get(name, "") != after.get(name, "")}

    told = describe(before, after)

    assert {sentence.partition(":")[0] for sentence in told} == differing
    assert len(told) == len(differing)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Café 'Müller' 🎄 <b> [bold]x", "Café 'Müller' 🎄 <b> [bold]x"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("rood\x1b[31m", r"rood\x1b[31m"),
        ("twee\nregels\tlang", r"twee\nregels\tlang"),
        ("\x9b2J", r"\x9b2J"),
        ("gij\u202eknil", r"gij\u202eknil"),
        ("half\ud800", r"half\ud800"),
    ],
)
def test_a_name_cannot_steer_the_terminal(name: str, shown: str) -> None:
    assert printable(name) == shown


@given(TEXTS)
def test_whatever_is_in_a_text_it_prints_on_one_line(text: str) -> None:
    shown = printable(text)

    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")


def test_the_counts_of_a_plan_say_what_would_be_done() -> None:
    counts = {
        "planned.create": 2,
        "planned.add": 12000,
        "planned.remove": 43,
        "planned.delete": 1,
        "waiting.delete": 1,
        "withheld": 40,
        "lists": 3,
    }

    assert to_do(counts) == (
        "create 2 audiences",
        "add 12,000",
        "remove 43",
        "wait to delete 1 audience",
        "withheld 40",
    )


def test_the_counts_of_a_pass_say_what_it_did_and_what_it_did_not() -> None:
    counts = {
        "planned.add": 14,
        "planned.hold": 2,
        "create.applied": 1,
        "add.applied": 10,
        "add.already_true": 1,
        "add.refused": 2,
        "remove.retry_later": 3,
        "update.not_true": 1,
        "hold.withheld": 2,
        "remove.withheld": 40,
        "delete.withheld": 1,
        "withheld": 40,
    }

    assert done(counts) == (
        "created 1 audience",
        "added 11",
        "refused 2",
        "put off 3",
        "not true 1",
        "held 2",
        "withheld 41",
    )


def test_nothing_done_is_told_as_nothing() -> None:
    assert to_do({"lists": 5}) == ()
    assert done({"lists": 5}) == ()


def test_many_things_are_told_by_the_first_of_them() -> None:
    assert some_of(["a", "b", "c"], 3) == "a, b, c"
    assert some_of(["a", "b", "c"], 2) == "a, b and 1 more"
    assert shortened("Verpleegkundigen", 10) == "Verpleegk…"
    assert shortened("Zorg", 10) == "Zorg"
    assert (counted(1, "list"), counted(0, "list"), counted(1200, "list")) == (
        "1 list",
        "0 lists",
        "1,200 lists",
    )


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.04, "0.0 s"), (12.34, "12.3 s"), (75, "1 min 15 s"), (3600 + 5 * 60, "1 h 05 min"), (-1, "0.0 s")],
)
def test_a_duration_is_told_as_a_person_says_it(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(2, "1 min"), (100, "2 min"), (3540, "59 min"), (3590, "1 h 00 min"), (5005, "1 h 23 min")],
)
def test_an_estimate_is_told_in_minutes(seconds: float, told: str) -> None:
    assert roughly(seconds) == told
