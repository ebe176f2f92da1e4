"""The state comes from an old backup, and the world has moved on."""

import shutil

from reconciler.store import open_store
from tests.passes.agency import Agency


def test_who_said_no_after_the_backup_and_was_archived_is_not_subscribed_again(acme: Agency) -> None:
    nurses = acme.list("Verpleegkundigen", "blijft@zorg.nl", "piet@zorg.nl")
    piet = acme.sandbox.otys.people_at("piet@zorg.nl")[0]
    acme.once()
    acme.leave(nurses, "piet@zorg.nl")
    acme.once()
    database, backup = acme.folder / "state" / "reconciler.db", acme.folder / "backup.db"
    acme.store.close()
    shutil.copy(database, backup)

    acme.store = open_store(f"sqlite:///{database}")
    acme.later(hours=1)
    acme.join(nurses, piet)
    acme.once()
    assert acme.status(nurses, "piet@zorg.nl") == "subscribed"
    acme.later(hours=1)
    audience = acme.audience(nurses)
    acme.sandbox.mailchimp.unsubscribe(audience, "piet@zorg.nl")
    acme.sandbox.mailchimp.archive(audience, "piet@zorg.nl")
    # Whether Mailchimp itself remembers the opt-out is uncertain (facts/mailchimp.md, 32): here it does not.
    contact = acme.contact(nurses, "piet@zorg.nl")
    assert contact is not None
    contact.refusal = None
    acme.store.close()
    for leftover in (acme.folder / "state").glob("reconciler.db*"):
        leftover.unlink()
    shutil.copy(backup, database)

    acme.store = open_store(f"sqlite:///{database}")
    acme.later(hours=1)
    report = acme.once()

    assert acme.status(nurses, "piet@zorg.nl") == "archived"
    assert [outcome.detail for one in report.lists for outcome in one.outcomes] == [
        "the contact changed in Mailchimp after we archived it: it may have said no meanwhile"
    ]
    assert acme.writes_of(acme.once) == []
    acme.store.close()
