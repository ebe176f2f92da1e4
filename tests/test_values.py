"""The tolerant reading of OTYS' values: one meaning for every spelling."""

import pytest

from reconciler.api.values import IDENTITY, LABEL, Json, rows_of, switch, text, values_at


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        ("", ""),
        ("  Sanne ", "Sanne"),
        (12, "12"),
        (12.0, "12"),
        (1.5, "1.5"),
        (True, "1"),
        (False, "0"),
        ([], ""),
        ({}, ""),
        ({"value": 12, "name": "Sanne"}, "12"),
        ({"label": "Sanne"}, "Sanne"),
        ({"value": {"name": "Sanne"}}, "Sanne"),
        (["a", {"value": "b"}], "a, b"),
        ({"other": "x"}, ""),
    ],
)
def test_a_value_is_the_same_text_in_every_spelling(value: Json, expected: str) -> None:
    assert text(value) == expected


def test_of_a_small_object_the_member_that_is_wanted_is_taken() -> None:
    value: Json = {"uid": 7, "name": "Sanne", "value": "s"}
    assert (text(value), text(value, LABEL), text(value, IDENTITY)) == ("s", "Sanne", "7")


@pytest.mark.parametrize("value", [True, 1, "1", "true", "On", "JA", 2, "-1", {"value": "1"}])
def test_on_is_on(value: Json) -> None:
    assert switch(value) is True


@pytest.mark.parametrize("value", [False, 0, "0", "", None, "Nee", "off", [], {}, "00"])
def test_off_is_off(value: Json) -> None:
    assert switch(value) is False


@pytest.mark.parametrize("value", ["misschien", "1.5", "-"])
def test_what_is_neither_is_neither(value: Json) -> None:
    assert switch(value) is None


def test_a_field_that_was_not_sent_is_told_from_an_empty_one() -> None:
    row: dict[str, Json] = {"Person": {"firstName": None}, "list": []}
    paths = ("Person.firstName", "Person.infix", "list.firstName", "Person.firstName.x")
    assert values_at(row, {path: path.split(".") for path in paths}) == {"Person.firstName": None}


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        ([{"uid": 1}], [{"uid": 1}]),
        ({"0": {"uid": 1}, "a": {"uid": 2}}, [{"uid": 1}, {"uid": 2}]),
        ([], []),
        ({}, []),
        ([1], None),
        ("x", None),
        (None, None),
    ],
)
def test_a_collection_is_read_as_an_array_or_as_an_object(value: Json, rows: object) -> None:
    assert rows_of(value) == rows
