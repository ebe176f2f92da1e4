"""The answer to the creation of an audience gets lost, and the list had an audience before."""

from reconciler.sandbox.faults import Fault, FaultKind
from tests.passes.agency import Agency


def test_an_audience_whose_creation_anew_was_cut_off_is_found_again(acme: Agency) -> None:
    acme.configure(policy='audience_gone = "recreate"')
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl", "anna@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.unsubscribe(acme.audience(nurses), "anna@zorg.nl")
    acme.once()
    acme.sandbox.mailchimp.delete_audience(acme.audience(nurses))
    fault = Fault(kind=FaultKind.DROP_AFTER_APPLY, system="mailchimp", pattern="POST /3.0/lists$", times=1)
    acme.sandbox.faults.add(fault)
    acme.once()

    acme.converge()

    assert len(acme.world.mailchimp.audiences) == 1
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}
    assert [one.verb for one in acme.store.history("acme", limit=99)].count("create") == 2
    assert acme.store.open_intents("acme") == ()


def test_an_audience_whose_creation_was_cut_off_is_found_though_its_list_was_renamed(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    fault = Fault(kind=FaultKind.DROP_AFTER_APPLY, system="mailchimp", pattern="POST /3.0/lists$", times=1)
    acme.sandbox.faults.add(fault)
    acme.once()
    acme.sandbox.otys.rename_list(nurses.uid, "Zorg")

    acme.converge()

    assert [one.name for one in acme.world.mailchimp.audiences.values()] == ["Zorg"]
    assert [one.verb for one in acme.store.history("acme", limit=99)].count("create") == 1
    assert acme.store.open_intents("acme") == ()
