"""The mapping file: the packaged one, an operator's own, and what is said about a wrong one."""

import re
import textwrap
from pathlib import Path

import pytest

from reconciler.errors import ConfigurationError
from reconciler.sources.mapping import load_mapping


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own.toml"


def problems(own: Path, content: str) -> dict[str, str]:
    own.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_mapping(own)
    assert caught.value.source == str(own)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_the_packaged_mapping_says_that_nobody_verified_it() -> None:
    assert load_mapping(None).status == "UNVERIFIED"


def test_what_an_own_file_does_not_say_stays_as_packaged(own: Path) -> None:
    own.write_text(
        '[lists]\nservice = "DistributionListService"\n[lists.fields]\nname = { path = "title" }\n'
    )
    mapping, packaged = load_mapping(own), load_mapping(None)
    assert mapping.lists.service == "DistributionListService"
    assert (mapping.lists.fields["name"].path, mapping.lists.fields["name"].required) == ("title", True)
    assert mapping.lists.fields["uid"] == packaged.lists.fields["uid"]
    assert mapping.recipients == packaged.recipients


@pytest.mark.parametrize(
    ("word", "kind"),
    [("candidate", "candidate"), ("RelationContact", "contact"), ("Deelnemer", "participant")],
)
def test_words_for_kinds_are_understood_in_any_case(word: str, kind: str) -> None:
    assert load_mapping(None).kind_of(word) == kind


@pytest.mark.parametrize(("word", "kind"), [("leverancier", "leverancier"), ("", "unknown")])
def test_a_word_nobody_mapped_stays_as_it_is(word: str, kind: str) -> None:
    assert load_mapping(None).kind_of(word) == kind


def test_a_new_kind_needs_only_its_word(own: Path) -> None:
    own.write_text('[kinds.supplier]\nwords = ["leverancier"]\n')
    assert load_mapping(own).kind_of("Leverancier") == "supplier"


def test_every_problem_is_told_at_once_with_its_place_and_a_hint(own: Path) -> None:
    content = """
        [settings]
        api_key = 3111
        [lists]
        metod = "getListEx"
        [lists.fields]
        nmae = { path = "title" }
        description = { pth = "x" }
        uid = "uid"
        [recipients.fields]
        email = { path = "mail", required = "yes" }
        [kinds.supplier]
        word = ["leverancier"]
        [kinds.manual]
        words = "manual"
    """
    assert problems(own, content) == {
        "settings.api_key": "a text in quotation marks is expected here",
        "lists.metod": "unknown key; did you mean 'method'?",
        "lists.fields.nmae": "unknown key; did you mean 'name'?",
        "lists.fields.description.pth": "unknown key; did you mean 'path'?",
        "lists.fields.uid": "a table is expected here",
        "recipients.fields.email.required": "true or false is expected here",
        "kinds.supplier.word": "unknown key; did you mean 'words'?",
        "kinds.supplier.words": "this is missing",
        "kinds.manual.words": 'a list of texts, such as ["one", "two"], is expected here',
    }


def test_what_cannot_work_is_told_at_once_too(own: Path) -> None:
    content = """
        [lists]
        detail_method = "delete"
        gone_messages = ["not found", ""]
        service = "Otys.Services.MailingListService"
        [recipients.fields]
        email = { path = "" }
        [kinds.manual]
        words = ["manual", "Candidate"]
        [kinds.procedure.via]
        path = "candidateUid"
        kind = "candidat"
        [kinds.participant.via]
        path = "uid"
        kind = "procedure"
    """
    assert problems(own, content) == {
        "lists.detail_method": "'delete' is no reading method: those begin with `get`",
        "lists.gone_messages": "an empty text would fit every message",
        "lists.service": (
            "'Otys.Services.MailingListService' is no service: `Otys.Services.` is left out, `Service` is not"
        ),
        "recipients.fields.email": "nothing works without this field, so it needs a path",
        "kinds.manual.words": "'Candidate' already means candidate",
        "kinds.procedure.via.kind": "unknown kind; did you mean 'candidate'?",
        "kinds.participant.via.kind": "a procedure cannot be looked up by itself",
    }


def test_a_file_that_is_no_toml_is_told_with_its_line(own: Path) -> None:
    assert "line 2" in problems(own, "[lists]\nservice = \n")[str(own)]


def test_a_file_that_is_not_there_is_told(own: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_mapping(own)
    assert caught.value.problems[0].message == ("the mapping file cannot be read: No such file or directory")


def test_a_file_that_is_no_text_is_told(own: Path) -> None:
    own.write_bytes(b"\xff\xfe[lists]")
    with pytest.raises(ConfigurationError) as caught:
        load_mapping(own)
    assert caught.value.problems[0].message == "the mapping file is not UTF-8 text"


def test_the_document_explains_every_table_and_its_example_is_valid(own: Path) -> None:
    document = (Path(__file__).parents[1] / "docs" / "mapping.md").read_text("utf-8")
    for table in ("settings", "lists", "lists.fields", "recipients", "recipients.fields", "people"):
        assert f"`[{table}]`" in document
    example = re.search(r"```toml\n(   status.*?)```", document, re.DOTALL)
    assert example is not None
    own.write_text(textwrap.dedent(example[1]))
    assert load_mapping(own).kind_of("leverancier") == "supplier"
