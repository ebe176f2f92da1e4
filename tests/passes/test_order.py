"""A no is durable before anything else of the same pass is written."""

from dataclasses import replace

import pytest

from reconciler.api.http import RequestNote
from reconciler.model import ListUid, Result, Verb
from reconciler.reconcile import reconcile
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.wiring import RequestCount
from tests.passes.agency import Agency, results
from tests.passes.deleted import AT_ONCE


def remembered_nos(acme: Agency) -> int:
    return sum(len(acme.store.base("acme", link.list_uid).nos) for link in acme.store.links("acme"))


def nos_known_at_each_write(acme: Agency, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Run a pass; return how many nos were durable at each of its requests that write."""
    known: list[int] = []

    def watch(_count: RequestCount, note: RequestNote) -> None:
        if note.system == "Mailchimp" and note.method != "GET":
            known.append(remembered_nos(acme))

    with monkeypatch.context() as watching:
        watching.setattr(RequestCount, "__call__", watch)
        with acme.client() as client:
            # One after the other: side by side, the others are mostly read before the first can write.
            reconcile(replace(client, workers=1), trigger="once")
    return known


def test_the_nos_of_every_list_are_durable_before_the_first_request_that_writes(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = [acme.list(name, f"een@{name}.nl", f"twee@{name}.nl") for name in ("aa", "bb", "cc")]
    acme.once()
    for made in lists:
        acme.join(made, acme.person(f"nieuw@{made.name}.nl"))
        acme.sandbox.mailchimp.unsubscribe(acme.audience(made), f"een@{made.name}.nl")
    for made in lists[1:]:
        acme.sandbox.otys.rename_list(made.uid, made.name.upper())
    acme.list("nieuw", "iemand@nieuw.nl")

    known_when_written = nos_known_at_each_write(acme, monkeypatch)

    assert len(known_when_written) > len(lists)
    assert set(known_when_written) == {len(lists)}


def test_every_no_is_durable_before_the_audience_of_an_empty_list_is_created(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.list("nieuw")
    nurses = acme.list("zorg", "een@zorg.nl")
    acme.sandbox.otys.unselect_list("1001")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "een@zorg.nl")
    acme.sandbox.otys.select_list("1001")

    assert nos_known_at_each_write(acme, monkeypatch) == [1]


def test_a_no_in_otys_is_durable_though_its_removal_fails(acme: Agency) -> None:
    acme.mapping = acme.folder / "mapping.toml"
    acme.mapping.write_text('[recipients.fields]\nopted_out = { path = "Person.matchCriteria_9" }\n', "utf-8")
    acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "piet@zorg.nl")
    acme.once()
    [piet] = acme.sandbox.otys.people_at("piet@zorg.nl")
    acme.sandbox.otys.opt_out(piet.kind, piet.uid)
    acme.sandbox.faults.add(
        Fault(kind=FaultKind.SERVER_ERROR, system="mailchimp", pattern="DELETE .*", times=None)
    )
    acme.once()
    assert acme.status(nurses, "piet@zorg.nl") == "subscribed"
    base = acme.store.base("acme", ListUid(nurses.uid))
    assert [no.address for no in base.nos] == ["piet@zorg.nl"]
    assert set(base.rows) == {"jan@zorg.nl", "piet@zorg.nl"}, "still ours to remove"


def test_somebody_who_said_no_while_the_pass_read_on_is_not_subscribed_again(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses = acme.list("Verpleegkundigen", "blijft@zorg.nl", "terug@zorg.nl")
    back = acme.sandbox.otys.people_at("terug@zorg.nl")[0]
    acme.once()
    acme.leave(nurses, "terug@zorg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.join(nurses, back)
    read_archived = acme.sandbox.log.last_number()

    def unsubscribe_once_read(_count: RequestCount, _note: RequestNote) -> None:
        said_no = acme.status(nurses, "terug@zorg.nl") == "unsubscribed"
        read = acme.sandbox.log.requests("mailchimp", after=read_archived)
        if not said_no and any(one.query.get("status") == "archived" for one in read):
            acme.sandbox.mailchimp.unsubscribe(audience, "terug@zorg.nl")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(RequestCount, "__call__", unsubscribe_once_read)
        acme.once()

    assert acme.status(nurses, "terug@zorg.nl") == "unsubscribed"
    assert [no.address for no in acme.store.base("acme", ListUid(nurses.uid)).nos] == ["terug@zorg.nl"]
    assert acme.writes_of(acme.once) == []


def test_a_no_in_an_audience_that_is_to_be_deleted_is_durable_before_another_list_is_written(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.configure(limits=AT_ONCE)
    gone = acme.list("Oud", "jan@zorg.nl", "piet@zorg.nl")
    kept = acme.list("Blijft", "kees@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(gone), "jan@zorg.nl")
    acme.sandbox.otys.delete_list(gone.uid)
    acme.join(kept, acme.person("nieuw@zorg.nl"))
    known_when_written: list[int] = []

    def watch(_count: RequestCount, note: RequestNote) -> None:
        if note.system == "Mailchimp" and note.method != "GET":
            known_when_written.append(len(acme.store.base("acme", ListUid(gone.uid)).nos))

    with monkeypatch.context() as watching:
        watching.setattr(RequestCount, "__call__", watch)
        acme.once()

    assert known_when_written == [1, 1], "an add, and the deletion"


def test_an_add_that_reading_back_does_not_find_is_told_and_made_again(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    acme.join(nurses, acme.person("nieuw@zorg.nl"))

    def lose(_count: RequestCount, _note: RequestNote) -> None:
        added = acme.contact(nurses, "nieuw@zorg.nl")
        if added is not None:
            acme.sandbox.mailchimp.audience(acme.audience(nurses)).take_out(added)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(RequestCount, "__call__", lose)
        report = acme.once()

    assert report.pass_id is not None
    history = [one.result for one in acme.store.outcomes(report.pass_id) if one.verb == Verb.ADD]
    assert history == [Result.APPLIED, Result.NOT_TRUE]
    assert results(report) == {("add", "applied"): 1, ("add", "not_true"): 1}
    assert set(acme.store.base("acme", ListUid(nurses.uid)).rows) == {"jan@zorg.nl"}
    acme.once()
    assert acme.subscribed(nurses) == {"jan@zorg.nl", "nieuw@zorg.nl"}


def test_whoever_said_no_after_we_archived_them_is_not_added_back(acme: Agency) -> None:
    acme.world.mailchimp.switches.archiving_keeps_refusal = False
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "terug@zorg.nl")
    back = acme.sandbox.otys.people_at("terug@zorg.nl")[0]
    acme.once()
    acme.leave(nurses, "terug@zorg.nl")
    acme.once()
    acme.later(hours=1)
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "terug@zorg.nl")
    acme.sandbox.mailchimp.archive(acme.audience(nurses), "terug@zorg.nl")
    acme.join(nurses, back)

    acme.once()

    assert acme.status(nurses, "terug@zorg.nl") == "archived"
