"""A spoilt answer, of either service, fails its list or changes nothing: it adds nothing to what is planned.

Every pass goes over real HTTP against the sandbox, with one answer spoilt on its way out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tenacity import wait_none

from reconciler.api.values import Json
from reconciler.errors import ReconcilerError
from reconciler.model import ListVerb, Verb
from reconciler.report import PassReport
from tests.hostile.tampering import Path, Spoilt, Tampering, spoilt, tampered, with_value
from tests.passes.agency import Agency, agency

DANGEROUS = frozenset({Verb.ADD, Verb.REMOVE, Verb.RENAME, Verb.FORGET, ListVerb.CREATE, ListVerb.DELETE})
"""What reaches somebody who should not be reached, or takes away what nobody took away."""

Danger = tuple[str, str, str]
PLANS = settings.default.max_examples // 3  # type: ignore[union-attr]  # tests/conftest.py has set it


@dataclass(frozen=True)
class Scene:
    """An agency in which something of everything is due, and what a pass would do about it."""

    agency: Agency
    otys: Tampering
    mailchimp: Tampering
    answers: Mapping[str, Mapping[str, bytes]]
    """What each service answered to the pass that came to the true plan, by request."""
    true: frozenset[Danger]


def dangers(report: PassReport) -> frozenset[Danger]:
    """What a pass would carry out; what a guard withholds waits for a person."""
    return frozenset(
        [
            (str(change.verb), one.list_uid, change.address)
            for one in report.lists
            for change in (one.guarded.allowed if one.guarded else ())
            if change.verb in DANGEROUS
        ]
        + [
            (str(change.verb), one.list_uid, "")
            for one in report.lists
            for change in one.list_changes
            if change.verb in DANGEROUS
        ]
    )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with pytest.MonkeyPatch.context() as patch, agency(tmp_path_factory.mktemp("agency")) as acme:
        for module in ("http", "ows"):
            patch.setattr(f"reconciler.api.{module}.BACK_OFF", wait_none())
        set_the_scene(acme)
        with tampered(acme.sandbox) as (otys, mailchimp):
            true = dangers(acme.plan())
            answers = {one.name: dict(one.answers) for one in (otys, mailchimp)}
            yield Scene(acme, otys, mailchimp, answers, true)


def set_the_scene(acme: Agency) -> None:
    names = ("jan", "piet", "anna", "weg", "oud")
    nurses = acme.list("Verpleegkundigen", *(f"{name}@zorg.nl" for name in names))
    cooks = acme.list("Koks", "kok@zorg.nl", "anna@zorg.nl")
    acme.converge()
    human = acme.sandbox.mailchimp
    human.unsubscribe(acme.audience(nurses), "anna@zorg.nl")
    human.archive(acme.audience(nurses), "oud@zorg.nl")
    human.add_contact(acme.audience(cooks), "vreemd@zorg.nl")
    acme.leave(nurses, "weg@zorg.nl")
    acme.join(nurses, acme.person("nieuw@zorg.nl"))
    acme.list("Nieuw", "nieuw@zorg.nl")


def test_the_scene_has_something_of_everything(scene: Scene) -> None:
    assert {verb for verb, _, _ in scene.true} == {"add", "remove", "create"}
    assert {service: len(answers) for service, answers in scene.answers.items()} == {
        "otys": 8,
        "mailchimp": 5,
    }


def may_mean_something_else(path: Path) -> bool:
    """A contact without an address is one that is known by telephone only (facts/mailchimp.md, 68)."""
    return path[-1] == "email_address"


def plan_with(scene: Scene, service: Tampering, how: Spoilt) -> None:
    service.spoilt = how
    try:
        report = scene.agency.plan()
    except ReconcilerError:
        return
    finally:
        service.spoilt = None
    assert dangers(report) <= scene.true
    for problem in filter(None, (*report.problems, *(one.problem for one in report.lists))):
        assert "Traceback" not in problem


@settings(max_examples=PLANS)
@given(data=st.data())
def test_a_spoilt_answer_of_otys_adds_nothing_to_a_plan(scene: Scene, data: st.DataObject) -> None:
    plan_with(scene, scene.otys, data.draw(spoilt(scene.answers["otys"])))


@settings(max_examples=PLANS)
@given(data=st.data())
def test_a_spoilt_answer_of_mailchimp_adds_nothing_to_a_plan(scene: Scene, data: st.DataObject) -> None:
    answers = scene.answers["mailchimp"]
    plan_with(scene, scene.mailchimp, data.draw(spoilt(answers, but=may_mean_something_else)))


@pytest.mark.parametrize("odd", [{}, {"a": 1}, 5, True, ["x"]], ids=repr)
def test_an_address_that_is_no_text_is_not_taken_for_an_empty_one(scene: Scene, odd: Json) -> None:
    """An empty one would say that the person has none any more, and the contact would be removed."""
    label, body = next(
        (label, body) for label, body in scene.answers["otys"].items() if b"jan@zorg.nl" in body
    )
    answer = msgspec.json.decode(body)
    row = next(
        number for number, one in enumerate(answer["result"]["listOutput"]) if one["email"] == "jan@zorg.nl"
    )
    spoilt_body = msgspec.json.encode(with_value(answer, ("result", "listOutput", row, "email"), odd))
    plan_with(scene, scene.otys, Spoilt(label, repr(odd), lambda _: spoilt_body))
