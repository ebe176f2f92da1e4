"""What every test of bad input starts from: a linked list in step, and somebody who said no."""

import pytest

from reconciler.sandbox.otys.state import MailingList
from tests.bad_input.desk import Desk
from tests.cli.conftest import Run, folder, run
from tests.passes.agency import Agency
from tests.passes.conftest import acme

__all__ = ["acme", "folder", "run"]


@pytest.fixture
def desk(acme: Agency, run: Run) -> Desk:
    """Return an desk with both services running and nothing in them."""
    return Desk(acme, run)


@pytest.fixture
def nurses(desk: Desk) -> MailingList:
    """Return a list that is in step with its audience but for one new recipient; one person said no."""
    agency = desk.agency
    made = agency.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl", "anna@zorg.nl")
    assert desk.once().code == 0
    agency.sandbox.mailchimp.unsubscribe(agency.audience(made), "anna@zorg.nl")
    assert desk.once().code == 0
    agency.join(made, agency.person("nieuw@zorg.nl"))
    return made
