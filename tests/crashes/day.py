"""A day at an agency on which everything happens at once, and what everybody is owed at its end."""

from collections.abc import Mapping

from reconciler.sandbox.otys.state import Entity, MailingList
from tests.passes.agency import Agency

STRANGER = "gast@elders.nl"
APPROVED = "Uitverkocht"
WITHHELD = "Bewaakt"

OWED: Mapping[str, Mapping[str, str]] = {
    "Verpleging": {
        "p0@zorg.nl": "subscribed",
        "p1@zorg.nl": "unsubscribed",
        "p2@zorg.nl": "cleaned",
        "p3@zorg.nl": "archived",
        "p4@zorg.nl": "archived",
        "p5@nieuw.nl": "subscribed",
        "p6@zorg.nl": "subscribed",
        "p7@zorg.nl": "subscribed",
        "p8@zorg.nl": "archived",
        "p10@zorg.nl": "subscribed",
        "p11@zorg.nl": "unsubscribed",
        "p12@zorg.nl": "archived",
        "samen@zorg.nl": "subscribed",
        "terug@zorg.nl": "subscribed",
        "spijt@zorg.nl": "subscribed",
        "zelf@zorg.nl": "subscribed",
        "nieuw@zorg.nl": "subscribed",
        STRANGER: "subscribed",
    },
    "Chauffeurs": {"rijdt@weg.nl": "subscribed", "stuurt@weg.nl": "subscribed"},
    "Koks": {"kookt@keuken.nl": "subscribed", "wil-niet@keuken.nl": "unsubscribed", STRANGER: "subscribed"},
    "Losgelaten": {"vrij@zorg.nl": "subscribed"},
    APPROVED: {"blijft@zorg.nl": "subscribed"} | {f"weg{number}@zorg.nl": "archived" for number in range(3)},
    WITHHELD: {f"wacht{number}@zorg.nl": "subscribed" for number in range(3)},
}
"""Every contact of every audience and its status."""
SAID_NO: Mapping[str, frozenset[str]] = {
    "Verpleging": frozenset(
        {
            "p1@zorg.nl",
            "p2@zorg.nl",
            "p3@zorg.nl",
            "p8@zorg.nl",
            "p9@zorg.nl",
            "p11@zorg.nl",
            "p1@nieuw.nl",
            "vergeten@zorg.nl",
        }
    ),
    "Koks": frozenset({"wil-niet@keuken.nl"}),
}
"""Whose no is remembered, by list."""
LEARNT_LATE = frozenset({"vergeten@zorg.nl"})
"""Whose no only the refusal of a write tells."""
REFUSED = frozenset({"nep@example.com", "p7@example.com", "vergeten@zorg.nl"})
"""Addresses that Mailchimp does not take."""
GONE = frozenset({"p5@zorg.nl", "verloren@zorg.nl"})
"""Addresses that nobody has any more."""
ADDRESSES = frozenset({email for contacts in OWED.values() for email in contacts}).union(
    *SAID_NO.values(), REFUSED, GONE
)


def yesterday(acme: Agency) -> None:
    """Let an agency with an empty world come to rest with everybody on its lists."""
    mapping = acme.folder / "mapping.toml"
    mapping.write_text('[recipients.fields]\nopted_out = { path = "Person.matchCriteria_9" }\n', "utf-8")
    acme.mapping = mapping
    acme.world.otys.switches.opt_out_field = "Person.matchCriteria_9"
    acme.fields += '\nLANG = "{language}"'
    acme.configure(limits="removals_percent = 10\nremovals_free = 2\ngrace_snapshots = 1\ngrace_hours = 0")
    nurses = acme.list("Verpleegkundigen", *(f"p{number}@zorg.nl" for number in range(13)))
    for email in ("samen@zorg.nl", "Samen@zorg.nl ", "terug@zorg.nl", "spijt@zorg.nl"):
        acme.join(nurses, acme.person(email))
    acme.list("Losgelaten", "vrij@zorg.nl")
    acme.list("Verwijderd", "verloren@zorg.nl")
    acme.list(APPROVED, "blijft@zorg.nl", *(f"weg{number}@zorg.nl" for number in range(3)))
    acme.list(WITHHELD, *(f"wacht{number}@zorg.nl" for number in range(3)))
    acme.once()
    audience = acme.audience(nurses)
    acme.leave(nurses, "terug@zorg.nl")
    acme.sandbox.mailchimp.unsubscribe(audience, "spijt@zorg.nl")
    acme.sandbox.mailchimp.add_contact(audience, STRANGER)
    acme.sandbox.mailchimp.add_contact(audience, "vergeten@zorg.nl")
    for name, letters in ((APPROVED, "weg"), (WITHHELD, "wacht")):
        for number in range(3):
            acme.leave(list_called(acme, name), f"{letters}{number}@zorg.nl")
    acme.once()


def today(acme: Agency) -> None:
    """Let everybody do something, at both services, before the pass that is to be cut off."""
    otys, mailchimp = acme.sandbox.otys, acme.sandbox.mailchimp
    nurses = list_called(acme, "Verpleegkundigen")
    audience = acme.audience(nurses)
    mailchimp.unsubscribe(audience, "p1@zorg.nl")
    mailchimp.bounce(audience, "p2@zorg.nl")
    mailchimp.archive(audience, "p3@zorg.nl")
    mailchimp.delete_permanently(audience, "p9@zorg.nl")
    mailchimp.put_in_compliance(audience, "p11@zorg.nl")
    mailchimp.archive(audience, "p12@zorg.nl")
    mailchimp.delete_permanently(audience, "vergeten@zorg.nl")
    mailchimp.subscribe_by_form(audience, "spijt@zorg.nl")
    mailchimp.subscribe_by_form(audience, "zelf@zorg.nl")
    for email in ("p4@zorg.nl", "p12@zorg.nl"):
        acme.leave(nurses, email)
    first_of_two = next(iter(acme.sandbox.otys.people_at("samen@zorg.nl")))
    otys.remove_recipient(nurses.uid, _row_of(nurses, first_of_two))
    for email, fields in {
        "p1@zorg.nl": {"email": "p1@nieuw.nl"},
        "p5@zorg.nl": {"email": "p5@nieuw.nl"},
        "p6@zorg.nl": {"last_name": "Anders"},
        "p7@zorg.nl": {"email": "p7@example.com"},
    }.items():
        acme.edit(otys.people_at(email)[0], **fields)
    opting_out = otys.people_at("p8@zorg.nl")[0]
    otys.opt_out(opting_out.kind, opting_out.uid)
    acme.join(nurses, otys.people_at("terug@zorg.nl")[0])
    for email in ("nieuw@zorg.nl", "zelf@zorg.nl", "vergeten@zorg.nl", "nep@example.com"):
        acme.join(nurses, acme.person(email))
    otys.rename_list(nurses.uid, "Verpleging")
    otys.edit_reminder(nurses.uid, "U werkt met ons.")
    acme.list("Chauffeurs", "rijdt@weg.nl", "stuurt@weg.nl")
    kitchen = mailchimp.add_audience("Koks")
    mailchimp.add_contact(kitchen, STRANGER)
    mailchimp.add_contact(kitchen, "kookt@keuken.nl")
    mailchimp.add_contact(kitchen, "wil-niet@keuken.nl")
    mailchimp.unsubscribe(kitchen, "wil-niet@keuken.nl")
    acme.list("Koks", "kookt@keuken.nl", "wil-niet@keuken.nl")
    otys.unselect_list(list_called(acme, "Losgelaten").uid)
    otys.delete_list(list_called(acme, "Verwijderd").uid)
    (sold_out,) = (
        one
        for one in acme.store.proposals("acme", now=acme.now)
        if one.list_uid == list_called(acme, APPROVED).uid
    )
    acme.store.approve(sold_out.digest, by="operator", now=acme.now)


def list_called(acme: Agency, name: str) -> MailingList:
    """Given the name of a list, return it."""
    return next(one for one in acme.world.otys.lists.values() if one.name == name)


def _row_of(of: MailingList, who: Entity) -> str:
    return next(row.uid for row in of.recipients.values() if row.entity == who.uid)
