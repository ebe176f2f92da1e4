"""CsvSource: which files it accepts, and what it says about those it does not."""

import re
from pathlib import Path

import pytest

from reconciler.errors import ConfigurationError, NotFound, RemoteError, UnexpectedAnswer
from reconciler.model import Fate, ListUid, MailingList, Person
from reconciler.sources.csv import CsvSource

LISTS = "uid,name\n12,Koks\n"
KOKS = MailingList(uid=ListUid("12"), name="Koks")


def source(folder: Path, lists: str | bytes = LISTS, recipients: str | bytes | None = None) -> CsvSource:
    for name, content in {"lists.csv": lists, "12.csv": recipients}.items():
        if content is not None:
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return CsvSource(folder)


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_separators_line_ends_and_encodings_of_excel_are_understood(
    tmp_path: Path, separator: str, line_end: str, encoding: str
) -> None:
    rows = [["E-mail", "Email", "First name"], ["", "andré@example.org", "André"], ["", "", ""]]
    content = line_end.join(separator.join(row) for row in rows).encode(encoding)
    (row,) = source(tmp_path, recipients=content).recipients(KOKS).recipients
    assert (row.email, row.values) == ("andré@example.org", {"first_name": "André"})


def test_every_column_of_the_list_view_is_read(tmp_path: Path) -> None:
    lists = (
        "UID;Name;Description;Subject;Owner;Created;Category;Global;Last modified;Last modified by;"
        "Published;Temporary;MailChimp;Permission reminder;Recipient count\n"
        "12;Koks;Alle koks;Nieuws;Sanne;2026-01-02;Horeca;ja;2026-02-03;Mark;1;nee;true;Standaard;30\n"
    )
    assert source(tmp_path, lists).catalogue().lists == (
        MailingList(
            uid=ListUid("12"),
            name="Koks",
            description="Alle koks",
            subject="Nieuws",
            owner="Sanne",
            created="2026-01-02",
            category="Horeca",
            is_global=True,
            last_modified="2026-02-03",
            last_modified_by="Mark",
            published=True,
            temporary=False,
            mailchimp=True,
            permission_reminder="",
            recipient_count=30,
        ),
    )


def test_without_a_mailchimp_column_every_list_is_synchronised(tmp_path: Path) -> None:
    assert source(tmp_path, "uid,name\n12,Koks\n13,Bakkers\n").integration().flagged == ("12", "13")


def test_settings_of_the_configuration_beat_the_files(tmp_path: Path) -> None:
    source(tmp_path)
    reminder = "Je staat ingeschreven."
    integration = CsvSource(tmp_path, {"GE203": "13", "3121": reminder, "3109": "0"}).integration()
    assert (integration.enabled, integration.permission_reminder, integration.flagged) == (
        False,
        reminder,
        (),
    )
    assert CsvSource(tmp_path, {"GE203": "13"}).integration().flagged == ("13",)


def test_an_unknown_setting_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        CsvSource(tmp_path, {"3112": "x"})


def test_a_recipient_may_name_kind_and_person_or_nothing_but_an_address(tmp_path: Path) -> None:
    recipients = "email;kind;entity;opted_out\na@example.org;RelationContact;77;nee\nb@example.org;;;ja\n"
    named, bare = source(tmp_path, recipients=recipients).recipients(KOKS).recipients
    assert (named.person, named.opted_out) == (Person("contact", "77"), False)
    assert (bare.person.kind, bare.opted_out) == ("manual", True)
    assert "b@example.org" not in str(bare.person)


def test_a_person_known_by_address_alone_stays_the_same_person(tmp_path: Path) -> None:
    first = source(tmp_path, recipients="email\nSanne@example.org\n").recipients(KOKS).recipients[0]
    second = source(tmp_path, recipients="email\nx@example.org\nsanne@example.org\n")
    assert first.person == second.recipients(KOKS).recipients[1].person


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "12.csv, line 1: the column email is missing"),
        ("mail\na@example.org\n", "12.csv, line 1: the column email is missing"),
        ("email;email\na;b\n", "12.csv, line 1: the column email is there twice"),
        (
            "email;name\na@example.org;A\nb@example.org\n",
            "12.csv, line 3: 1 cells where the first line names 2",
        ),
        ("email;name\na@example.org;A;B\n", "12.csv, line 2: 3 cells where the first line names 2"),
        ('email;name\na@example.org;"A\n', "12.csv, line 2: this is no table"),
        ("uid;email\n1;a@example.org\n1;b@example.org\n", "12.csv, line 3: this recipient is already there"),
        ("email\na@example.org\n".encode("utf-16"), "12.csv: it is not UTF-8"),
        (b"email\na\x81@example.org\n", "12.csv: it is neither UTF-8 nor Windows text"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, content: str | bytes, said: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        source(tmp_path, recipients=content).recipients(KOKS)
    assert said in str(caught.value)
    assert "docs/csv.md" in caught.value.advice
    assert "@" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("uid\n12\n", "lists.csv, line 1: the column name is missing"),
        ("uid,name\n,Koks\n", "lists.csv, line 2: the uid is empty"),
        ("uid,name\n../12,Koks\n", "lists.csv, line 2: the uid is empty, or cannot be the name of a file"),
        ("uid,name\n12,Koks\n12,Bakkers\n", "lists.csv, line 3: the uid 12 is already there"),
    ],
)
def test_a_wrong_catalogue_is_named_with_its_line(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        source(tmp_path, content).catalogue()
    assert said in str(caught.value)


def test_a_list_without_its_file_is_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"there is no file 12\.csv"):
        source(tmp_path).recipients(KOKS)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RemoteError):
        CsvSource(tmp_path / "nowhere").integration()


def test_a_row_that_is_gone_proves_nothing_while_its_file_is_there(tmp_path: Path) -> None:
    exported = source(tmp_path, "uid,name\n13,Bakkers\n", "email\n")
    with pytest.raises(UnexpectedAnswer, match=r"12\.csv is still there"):
        exported.fate(KOKS.uid)
    (tmp_path / "12.csv").unlink()
    assert exported.fate(KOKS.uid) is Fate.DELETED


def test_the_documented_example_can_be_read(tmp_path: Path) -> None:
    document = (Path(__file__).parents[2] / "docs" / "csv.md").read_text("utf-8")
    for name, content in re.findall(r"```csv (\S+)\n(.*?)```", document, re.DOTALL):
        (tmp_path / name).write_text(content, "utf-8")
    exported = CsvSource(tmp_path)
    assert exported.integration().flagged == ("101",)
    newsletter, party = exported.catalogue().lists
    assert (newsletter.permission_reminder, party.permission_reminder) == ("", "Je was vorig jaar onze gast.")
    people = [row.person for row in exported.recipients(newsletter).recipients]
    assert people == [Person("candidate", "c-77"), Person("manual", "2")]
