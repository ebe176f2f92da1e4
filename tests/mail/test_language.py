"""The Dutch of the mails is complete, and reasons are recognised by what they look like."""

import ast
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_file

import reconciler
from reconciler.changes import NO_TEXT
from reconciler.config import Language
from reconciler.diff import Rule
from reconciler.sinks.mail_words import REASON, Words, catalogue

HOUSE = Path(reconciler.__file__).parent
KEYWORDS = {"gettext": None, "_": None, "text": None, "ngettext": (1, 2), "one_or_many": (1, 2)}
DUTCH = Words(Language.DUTCH, ZoneInfo("Europe/Amsterdam"))
ENGLISH = Words(Language.ENGLISH, ZoneInfo("Europe/Amsterdam"))
PLACES = re.compile(r"\{\w+\}")


def texts() -> set[str | tuple[str, ...]]:
    """Every text of the mails, as it stands in the program and the templates."""
    found: set[str | tuple[str, ...]] = set()
    for file in HOUSE.glob("sinks/mail*.py"):
        found |= {message[1] for message in extract_from_file("python", file, keywords=KEYWORDS)}
    for file in HOUSE.glob("sinks/templates/*.j2"):
        found |= {message[1] for message in extract_from_file("jinja2", file, keywords=KEYWORDS)}
    return found


def test_every_text_has_a_dutch_one_and_none_is_left_over() -> None:
    known = {one.id for one in catalogue(Language.DUTCH) if one.id and not one.context}
    assert len(known) > 80
    assert known == texts()


def test_no_dutch_text_is_empty_or_uncertain_and_all_keep_their_places() -> None:
    for one in catalogue(Language.DUTCH):
        if one.id:
            asked = [one.id] if isinstance(one.id, str) else one.id
            given = [one.string] if isinstance(one.string, str) else one.string or ()
            assert not one.fuzzy
            for english, dutch in zip(asked, given, strict=True):
                assert dutch, english
                assert set(PLACES.findall(dutch)) == set(PLACES.findall(english)), english


def is_known(reason: str) -> bool:
    return any(pattern.fullmatch(reason) for pattern, _ in DUTCH._reasons)


@pytest.mark.parametrize("reason", [*Rule, *NO_TEXT.values()])
def test_every_reason_of_the_decision_table_has_a_dutch_one(reason: str) -> None:
    assert is_known(reason)
    assert DUTCH.reason(reason) != reason


def sentences(module: str) -> Iterator[str]:
    """Every sentence in a module that holds a value, with a 7 in the place of each."""
    tree = ast.parse((HOUSE / module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values]
            if " " in "".join(parts):
                yield "".join(parts)


@pytest.mark.parametrize("module", ["guard.py", "linking.py", "lifecycle.py", "changes.py", "plan.py"])
def test_every_sentence_that_a_plan_makes_has_a_dutch_one(module: str) -> None:
    no_reason = {"7 7", "%Y-%m-%d %H:%M", "saved as 7"}  # of a digest, of a moment, of what is done
    assert [one for one in sentences(module) if one not in no_reason and not is_known(one)] == []


def test_a_reason_within_a_reason_is_translated_too() -> None:
    read = "the list was not read completely from OTYS (5 of 7 rows were read)"
    assert DUTCH.reason(read) == "de lijst is niet volledig uit OTYS gelezen (5 van 7 rijen zijn gelezen)"


def test_a_reason_that_nobody_foresaw_stays_as_it_is() -> None:
    assert DUTCH.reason("something {new} happened") == "something {new} happened"


def test_english_stays_english() -> None:
    assert ENGLISH.reason(Rule.REMOVE) == Rule.REMOVE
    assert ENGLISH.gettext("{where} failed", where="News") == "News failed"


def test_numbers_and_moments_are_written_as_the_language_does_in_its_time_zone() -> None:
    summer = datetime.fromisoformat("2026-07-01T10:05:00+00:00")
    assert (DUTCH.number(12345), DUTCH.moment(summer)) == ("12.345", "1 juli 2026 12:05")
    assert (ENGLISH.number(12345), ENGLISH.moment(summer)) == ("12,345", "1 July 2026 12:05")


def test_reasons_are_kept_apart_from_the_other_texts() -> None:
    assert sum(one.context == REASON for one in catalogue(Language.DUTCH)) > 50
