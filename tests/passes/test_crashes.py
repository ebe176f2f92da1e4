"""A pass that is cut off at any of its requests: nothing is lost, nobody is mailed who said no."""

from pathlib import Path

import pytest

from reconciler.api.http import RequestNote
from reconciler.wiring import RequestCount
from tests.passes.agency import Agency, agency

SHARES = 4


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Executioner:
    """Lets so many requests be answered; from then on nothing that an answer says is recorded."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.seen = 0

    def __call__(self, _note: RequestNote) -> None:
        self.seen += 1
        if self.seen > self.allowed:
            raise Killed


def prepare(acme: Agency) -> None:
    """A linked list with every kind of change waiting, and a new list."""
    nurses = acme.list("Verpleegkundigen", *(f"p{number}@zorg.nl" for number in range(12)))
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.mailchimp.unsubscribe(audience, "p1@zorg.nl")
    acme.sandbox.mailchimp.bounce(audience, "p2@zorg.nl")
    acme.sandbox.mailchimp.archive(audience, "p3@zorg.nl")
    acme.leave(nurses, "p4@zorg.nl")
    for email, fields in {
        "p5@zorg.nl": {"email": "p5@nieuw.nl"},
        "p6@zorg.nl": {"last_name": "Anders"},
        "p1@zorg.nl": {"email": "p1@nieuw.nl"},
    }.items():
        acme.edit(acme.sandbox.otys.people_at(email)[0], **fields)
    acme.join(nurses, "nieuw@zorg.nl")
    acme.sandbox.otys.rename_list(nurses.uid, "Verpleging")
    acme.list("Chauffeurs", "rijdt@weg.nl")


OWED = {
    "Verpleging": {"p0@zorg.nl", "p5@nieuw.nl", "p6@zorg.nl", "nieuw@zorg.nl"}
    | {f"p{number}@zorg.nl" for number in range(7, 12)},
    "Chauffeurs": {"rijdt@weg.nl"},
}


def owed_is_true(acme: Agency) -> None:
    audiences = acme.world.mailchimp.audiences.values()
    assert sorted(audience.name for audience in audiences) == sorted(OWED)
    for audience in audiences:
        subscribed = {one.email_address for one in audience.contacts.values() if one.status == "subscribed"}
        assert subscribed == OWED[audience.name]


def requests_of_a_whole_pass(folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    with agency(folder) as acme:
        prepare(acme)
        counter = Executioner(allowed=10_000)
        monkeypatch.setattr(RequestCount, "__call__", counter)
        acme.once()
        owed_is_true(acme)
        return counter.seen


@pytest.mark.parametrize("share", range(SHARES))
def test_cut_off_after_any_request_the_next_passes_put_everything_right(
    share: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as counting:
        total = requests_of_a_whole_pass(tmp_path / "whole", counting)
    assert total > 20
    for allowed in range(share, total, SHARES):
        with agency(tmp_path / str(allowed)) as acme:
            prepare(acme)
            with monkeypatch.context() as killing:
                executioner = Executioner(allowed)
                killing.setattr(RequestCount, "__call__", executioner)
                with pytest.raises(Killed):
                    acme.once()
            acme.once()
            owed_is_true(acme)
            assert acme.writes_of(acme.once) == [], f"not at rest after a kill at request {allowed}"
