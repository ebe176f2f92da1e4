"""Values without sense, given to the functions that read them: a typed error or a meaning, nothing else."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.decoding import Undecodable, decode, is_deeper_than
from reconciler.api.http import Answer
from reconciler.api.mailchimp_errors import error_of, seconds_to_wait
from reconciler.api.mailchimp_wire import AudiencesPage, BatchAnswer, MembersPage, MergeFieldsPage
from reconciler.api.ows_answers import page_of, refusal, reply_of, result_of
from reconciler.api.values import Json, is_text, rows_of, switch, text
from reconciler.cli.context import print_json
from reconciler.errors import ReconcilerError, RemoteError
from reconciler.printable import printable

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
likely = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(("", "error", "success", "9" * 5000, "--5", "٣")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                (
                    "result",
                    "error",
                    "status",
                    "message",
                    "code",
                    "data",
                    "listOutput",
                    "totalCount",
                    "uid",
                    "value",
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
bodies = st.binary(max_size=200) | (anything | likely).map(lambda value: json.dumps(value).encode())
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@given(status=st.sampled_from((200, 201, 400, 401, 403, 404, 429, 500, 503)), body=bodies)
def test_an_answer_of_otys_is_a_result_or_a_typed_error(status: int, body: bytes) -> None:
    said = ""
    try:
        result = result_of(Answer(status, {}, body), ["Access denied"])
        page_of(result, "getListEx")
    except RemoteError as error:
        said = str(error)
    assert len(said) < 500
    assert not STEERING.search(said)


@given(value=likely | anything)
def test_every_value_of_otys_has_a_meaning(value: Json) -> None:
    assert isinstance(text(value), str)
    assert switch(value) in (True, False, None)
    assert isinstance(is_text(value), bool)
    assert isinstance(refusal(value, []), ReconcilerError)
    for row in rows_of(value) or ():
        reply_of(row, [])


@given(body=bodies, kind=st.sampled_from((MembersPage, AudiencesPage, MergeFieldsPage, BatchAnswer)))
def test_an_answer_of_mailchimp_is_understood_or_its_place_is_named(body: bytes, kind: type[object]) -> None:
    place = "the whole of it"
    try:
        decode(body, kind)
    except Undecodable as error:
        place = str(error)
    assert place == "the whole of it" or place.startswith("`$")


@given(status=st.integers(300, 599), body=bodies)
def test_a_refusal_of_mailchimp_is_a_typed_error_in_harmless_words(status: int, body: bytes) -> None:
    answer = Answer(status, {}, body)
    assert seconds_to_wait(answer) in (None, 5.0)
    error = error_of(answer, "GET /ping")
    assert len(str(error)) < 1500
    assert not STEERING.search(str(error))


def test_a_refusal_without_end_is_read_at_once() -> None:
    endless = b'{"title": "' + b"a" * 5_000_000 + b'", "detail": "x"}'
    assert len(str(error_of(Answer(400, {}, endless), "GET /ping"))) < 1500
    assert len(str(refusal({"message": "a1" * 2_000_000}, []))) < 500


@given(depth=st.integers(0, 60))
def test_depth_is_measured(depth: int) -> None:
    value: object = 1
    for _ in range(depth):
        value = [value]
    assert is_deeper_than(value, 20) == (depth > 20)


@given(words=st.text())
def test_nothing_printable_steers_a_terminal(words: str) -> None:
    shown = printable(words)
    assert not STEERING.search(shown)
    assert "\n" not in shown


@pytest.mark.parametrize(
    "words", ["\x1b[2J", "\x9b31m", "\x7f", "\u202egnp", "\u2066", "\ud800", "\U000e0041", "é 李 🎄"]
)
def test_json_for_programs_steers_no_terminal_and_says_the_same(
    capsys: pytest.CaptureFixture[str], words: str
) -> None:
    print_json({words: [words]})
    shown = capsys.readouterr().out
    assert not STEERING.search(shown)
    assert json.loads(shown) == {words: [words]}
