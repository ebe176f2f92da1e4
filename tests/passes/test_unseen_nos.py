"""A no that is not seen, or that somebody else said at the same mailbox, is never taken for a yes."""

from pathlib import Path

import pytest

from reconciler.model import PassResult
from reconciler.sandbox.faults import Fault, FaultKind
from tests.passes.agency import Agency

FIELD = "Person.matchCriteria_9"


@pytest.fixture
def telling(acme: Agency) -> Agency:
    """Return an agency whose OTYS tells who opted out."""
    acme.mapping = opt_outs_at(FIELD, acme.folder)
    acme.world.otys.switches.opt_out_field = FIELD
    return acme


def opt_outs_at(path: str, folder: Path) -> Path:
    mapping = folder / "mapping.toml"
    mapping.write_text(f'[recipients.fields]\nopted_out = {{ path = "{path}" }}\n', "utf-8")
    return mapping


def cut_the_list_short(acme: Agency) -> None:
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SHORT_PAGE, system="otys", pattern="Recipient", times=None, value=1)
    )


def test_nobody_is_added_from_a_half_read_list_whose_unread_rows_may_opt_out(telling: Agency) -> None:
    family = telling.list("Gezin", "blijft@thuis.nl", "gedeeld@thuis.nl")
    telling.once()
    joined = telling.person("nieuw@thuis.nl")
    partner = telling.person("nieuw@thuis.nl", first_name="Partner")
    telling.join(family, joined)
    telling.join(family, partner)
    telling.sandbox.otys.opt_out(partner.kind, partner.uid)
    cut_the_list_short(telling)

    report = telling.once()

    assert report.result is PassResult.WITHHELD
    assert telling.status(family, "nieuw@thuis.nl") == "absent"
    telling.sandbox.faults.clear()
    telling.once()
    assert telling.status(family, "nieuw@thuis.nl") == "absent"


def test_where_otys_tells_no_opt_outs_a_half_read_list_still_adds(acme: Agency) -> None:
    family = acme.list("Gezin", "blijft@thuis.nl")
    acme.once()
    for number in range(3):
        acme.join(family, acme.person(f"nieuw{number}@thuis.nl"))
    cut_the_list_short(acme)

    acme.once()

    assert acme.status(family, "nieuw0@thuis.nl") == "subscribed"


def test_a_list_whose_opt_outs_otys_refuses_to_tell_is_left_alone(acme: Agency) -> None:
    acme.mapping = opt_outs_at("Person.doesNotExist", acme.folder)
    acme.list("Gezin", "wil@niet.nl")

    report = acme.once()

    assert report.result is PassResult.FAILED
    assert "refuses a field that nothing works without (Person.doesNotExist)" in report.all_problems[0]
    assert acme.writes_of(acme.once) == []


def test_whoever_came_to_share_a_mailbox_that_said_no_has_said_it_under_every_address(acme: Agency) -> None:
    family = acme.list("Gezin", "thuis@gezin.nl", "blijft@gezin.nl")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(family), "thuis@gezin.nl")
    acme.once()
    partner = acme.person("thuis@gezin.nl", first_name="Partner")
    acme.join(family, partner)
    acme.once()
    acme.edit(partner, email="partner@gezin.nl")

    acme.once()

    assert acme.status(family, "partner@gezin.nl") == "absent"
    assert acme.writes_of(acme.once) == []
