"""How OTYS is told of opt-outs, by calls that only a tenant's own mapping names."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.api.http import HttpClient
from reconciler.api.ows import Call, OwsClient, WritingRefused
from reconciler.errors import ConfigurationError, UnexpectedAnswer
from reconciler.model import Address, ListUid, NoReason, OptOut, Person
from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sandbox.otys.state import Entity
from reconciler.sinks.otys_optouts import OtysOptOuts
from reconciler.sources.mapping import load_mapping
from tests.scripted import Pauses

SINCE = datetime(2026, 11, 23, tzinfo=UTC)
CANDIDATES = """
[kinds.candidate]
opt_out = { method = "update", arguments = '["{person}", {"Person": {"matchCriteria_9": "1"}}]' }
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(world=World.empty()) as running:
        switches = running.world.otys.switches
        switches.opt_out_field, switches.opt_out_writable = "Person.matchCriteria_9", True
        switches.requests_a_minute = 0
        yield running


@contextmanager
def opened(sandbox: Sandbox, folder: Path, lines: str = CANDIDATES) -> Iterator[OtysOptOuts]:
    file = folder / "mapping.toml"
    file.write_text(lines, "utf-8")
    mapping = load_mapping(file)
    with OwsClient(
        HttpClient("OTYS", pause=Pauses()),
        sandbox.otys_url,
        sandbox.world.otys_api_key,
        may_write=mapping.opt_out_methods.values(),
        pause=Pauses(),
    ) as ows:
        yield OtysOptOuts(ows, mapping)


def candidates(sandbox: Sandbox, count: int) -> list[Entity]:
    return [sandbox.world.otys.add_entity("candidate", email=f"p{number}@zorg.nl") for number in range(count)]


def opt_out(number: int, *persons: Person) -> OptOut:
    return OptOut(
        number=number,
        list_uid=ListUid("1001"),
        list_name="Zorg",
        address=Address(f"p{number}@zorg.nl"),
        persons=persons,
        reason=NoReason.UNSUBSCRIBED,
        since=SINCE,
    )


def told(sink: OtysOptOuts, opt_outs: list[OptOut]) -> dict[int, str]:
    return {one.opt_out.number: one.problem for some in sink.tell(opt_outs) for one in some}


def test_a_crowd_is_told_in_batches(sandbox: Sandbox, tmp_path: Path) -> None:
    people = candidates(sandbox, 60)
    with opened(sandbox, tmp_path) as sink:
        came = told(sink, [opt_out(n, Person("candidate", one.uid)) for n, one in enumerate(people)])

    assert set(came.values()) == {""}
    assert all(one.opted_out for one in people)
    batches = [one for one in sandbox.log.requests() if "MultiService" in one.operation]
    assert len(batches) == 3


def test_where_people_share_an_address_all_for_whom_there_is_a_call_are_told(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    an, bo = candidates(sandbox, 2)
    shared = opt_out(1, Person("candidate", an.uid), Person("manual", "77"), Person("candidate", bo.uid))
    with opened(sandbox, tmp_path) as sink:
        assert told(sink, [shared]) == {1: ""}
        assert sink.can_tell(shared)
        assert not sink.can_tell(opt_out(2, Person("manual", "77")))
        assert not sink.can_tell(opt_out(3))

    assert (an.opted_out, bo.opted_out) == (True, True)


def test_one_refused_person_is_named_with_the_reason_and_stops_nobody(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    [an] = candidates(sandbox, 1)
    with opened(sandbox, tmp_path) as sink:
        came = told(
            sink, [opt_out(1, Person("candidate", "nobody")), opt_out(2, Person("candidate", an.uid))]
        )

    assert came == {1: "OTYS: Candidate nobody does not exist", 2: ""}
    assert an.opted_out


def test_a_batch_that_otys_chokes_on_is_told_one_by_one(sandbox: Sandbox, tmp_path: Path) -> None:
    people = candidates(sandbox, 3)
    sandbox.faults.add(Fault(kind=FaultKind.EMPTY_BODY, pattern="MultiService", times=3))
    with opened(sandbox, tmp_path) as sink:
        came = told(sink, [opt_out(n, Person("candidate", one.uid)) for n, one in enumerate(people)])

    assert set(came.values()) == {""}


def test_an_otys_that_answers_nothing_sensible_is_not_asked_for_each_of_a_crowd(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    people = candidates(sandbox, 60)
    sandbox.faults.add(Fault(kind=FaultKind.GARBAGE, pattern="MultiService", times=None))
    with opened(sandbox, tmp_path) as sink, pytest.raises(UnexpectedAnswer):
        told(sink, [opt_out(n, Person("candidate", one.uid)) for n, one in enumerate(people)])

    assert len(sandbox.log.requests()) < 100


def test_a_call_may_name_the_list_and_the_address_and_a_service_of_its_own(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    lines = """
[kinds.manual.opt_out]
service = "MailingListRecipientService"
method = "unsubscribe"
arguments = '[["{list}"], "{address}"]'
"""
    with opened(sandbox, tmp_path, lines) as sink:
        [problem] = told(sink, [opt_out(1, Person("manual", "77"))]).values()

    assert "Otys.Services.MailingListRecipientService.unsubscribe does not exist" in problem
    [asked] = [one for one in sandbox.log.requests() if "MultiService" in one.operation]
    assert b'["1001"],"p1@zorg.nl"]' in asked.body


def test_no_method_is_called_that_the_mapping_does_not_name(sandbox: Sandbox) -> None:
    packaged = load_mapping(None)
    assert packaged.opt_out_methods == {}
    with (
        OwsClient(HttpClient("OTYS"), sandbox.otys_url, sandbox.world.otys_api_key) as ows,
        pytest.raises(WritingRefused, match=r"CandidateService\.update is not among the methods"),
    ):
        ows.write([Call("Otys.Services.CandidateService.update", ("1", {}))])
    assert sandbox.log.requests() == []


@pytest.mark.parametrize(
    ("kind", "call", "problem"),
    [
        ("candidate", """method = "delete", arguments = '["{person}"]'""", "opt_out.method"),
        ("candidate", """method = "getDetail", arguments = '["{person}"]'""", "opt_out.method"),
        ("candidate", """method = "update", arguments = '["{persoon}"]'""", "there is no {persoon}"),
        ("candidate", """method = "update", arguments = '["1"]'""", "nothing says whose opt-out it is"),
        ("candidate", """method = "update", arguments = '{person}'""", "this is not JSON"),
        ("candidate", """method = "update", arguments = '"{person}"'""", "a JSON array is expected"),
        ("candidate", """method = "update", argument = '["{person}"]'""", "did you mean 'arguments'?"),
        ("manual", """method = "update", arguments = '["{person}"]'""", "opt_out.service"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused_before_anything_is_asked(
    tmp_path: Path, kind: str, call: str, problem: str
) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text(f"[kinds.{kind}]\nopt_out = {{ {call} }}\n", "utf-8")

    with pytest.raises(ConfigurationError) as refused:
        load_mapping(file)

    told_of = [f"{one.path}: {one.message}" for one in refused.value.problems]
    assert any(problem in one for one in told_of), told_of
