"""Two editors behind our back: what people do in OTYS Go! and in Mailchimp, as rules of the machine."""

# ruff: noqa: FBT001 (Hypothesis passes the arguments of a rule by name)
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from reconciler.sandbox.mailchimp.problems import Problem
from reconciler.sandbox.mailchimp.state import Audience, Contact
from reconciler.sandbox.otys.state import Entity, MailingList, Recipient
from tests.machine.office import Office

if TYPE_CHECKING:
    from datetime import datetime

ADDRESSES = tuple(f"{letter}@zorg.nl" for letter in "abcdefgh")
REFUSED = ("nep@example.com",)
UNUSABLE = ("kapot@@zorg.nl", "")
NAMES = ("Zorg", "Weg", "123")
KINDS = ("candidate", "relationcontact")
MOST_LISTS, MOST_PEOPLE, MOST_AUDIENCES = 4, 8, 6

which = st.integers(0, 11)
usable = st.sampled_from(ADDRESSES)
addresses = st.one_of(usable, usable, usable, st.sampled_from((*REFUSED, *UNUSABLE, " A@Zorg.nl ")))
names = st.sampled_from(NAMES)
words = st.sampled_from(("Ann", "Bob", ""))


class People(RuleBasedStateMachine):
    """What people do. `which` picks one of those that are there."""

    office: Office

    def __init__(self) -> None:
        super().__init__()
        self.humans_audiences: set[str] = set()
        self.touched: set[str] = set()
        """Addresses about which somebody did something in Mailchimp, and people who opted out."""
        self.moved_contacts: set[str] = set()
        """Audiences in which an address is not the one we remember: there the history goes by ours."""
        self.moved_names = False
        """Whether a name or a flag changed, so that an audience cut off at birth may not be found again."""
        self.deleted_at: dict[str, datetime] = {}

    # -- who and what is there

    def lists(self) -> list[MailingList]:
        return [one for one in self.office.sandbox.world.otys.lists.values() if not one.deleted]

    def persons(self) -> list[Entity]:
        return [one for kind in self.office.sandbox.world.otys.entities.values() for one in kind.values()]

    def rows(self) -> list[tuple[MailingList, Recipient]]:
        return [(one, row) for one in self.lists() for row in one.recipients.values()]

    def audiences(self) -> list[Audience]:
        return list(self.office.sandbox.world.mailchimp.audiences.values())

    def contacts(self) -> list[tuple[str, Contact]]:
        return [(one.id, contact) for one in self.audiences() for contact in one.contacts.values()]

    def who_said_no(self) -> list[Entity]:
        silent = {
            contact.email_address.lower()
            for _, contact in self.contacts()
            if contact.status in ("unsubscribed", "cleaned", "archived")
        }
        return [one for one in self.persons() if (one.email or "").strip().lower() in silent]

    def _list(self, number: int) -> MailingList:
        return self.lists()[number % len(self.lists())]

    def _contact(self, number: int) -> tuple[str, str]:
        audience, contact = self.contacts()[number % len(self.contacts())]
        self.touched.add(contact.email_address.lower())
        return audience, contact.email_address

    # -- OTYS

    @precondition(lambda self: len(self.office.sandbox.world.otys.lists) < MOST_LISTS)
    @rule(
        name=names, flagged=st.sampled_from((True, True, True, False)), count=st.integers(0, 4), first=which
    )
    def create_list(self, name: str, flagged: bool, count: int, first: int) -> None:
        uid = self.office.sandbox.otys.create_list(name, flagged=flagged)
        for number in range(count):
            self._join(uid, ADDRESSES[(first + number) % len(ADDRESSES)])
        self.moved_names = True

    @precondition(lambda self: self.lists())
    @rule(number=which, email=addresses, kind=st.sampled_from((*KINDS, "manual")), name=words)
    def join(self, number: int, email: str, kind: str, name: str) -> None:
        if len(self.rows()) < 3 * MOST_PEOPLE:
            self.office.sandbox.otys.add_recipient(self._list(number).uid, kind, email=email, first_name=name)

    @precondition(lambda self: self.lists() and self.persons())
    @rule(number=which, who=which)
    def join_known_person(self, number: int, who: int) -> None:
        person = self.persons()[who % len(self.persons())]
        self.office.sandbox.otys.add_recipient(self._list(number).uid, person.kind, person.uid)

    @precondition(lambda self: self.rows())
    @rule(number=which)
    def leave(self, number: int) -> None:
        mailing_list, row = self.rows()[number % len(self.rows())]
        self.office.sandbox.otys.remove_recipient(mailing_list.uid, row.uid)

    @precondition(lambda self: self.persons())
    @rule(who=which, email=addresses)
    def change_address_in_otys(self, who: int, email: str) -> None:
        person = self.persons()[who % len(self.persons())]
        self.office.sandbox.otys.edit_person(person.kind, person.uid, email=email)

    @precondition(lambda self: self.who_said_no())
    @rule(who=which, email=usable)
    def move_on_after_a_no(self, who: int, email: str) -> None:
        """The story that naive synchronisation gets wrong: a no, and then another address."""
        person = self.who_said_no()[who % len(self.who_said_no())]
        self.office.sandbox.otys.edit_person(person.kind, person.uid, email=email)

    @precondition(lambda self: len(self.persons()) > 1)
    @rule(who=which, other=which)
    def swap_addresses(self, who: int, other: int) -> None:
        one, two = self.persons()[who % len(self.persons())], self.persons()[other % len(self.persons())]
        of_one, of_two = one.email, two.email
        self.office.sandbox.otys.edit_person(one.kind, one.uid, email=of_two)
        self.office.sandbox.otys.edit_person(two.kind, two.uid, email=of_one)

    @precondition(lambda self: self.persons())
    @rule(who=which, name=words)
    def rename_person(self, who: int, name: str) -> None:
        person = self.persons()[who % len(self.persons())]
        self.office.sandbox.otys.edit_person(person.kind, person.uid, first_name=name)

    @precondition(lambda self: self.persons())
    @rule(who=which, opted_out=st.sampled_from((True, True, False)))
    def opt_out(self, who: int, opted_out: bool) -> None:
        person = self.persons()[who % len(self.persons())]
        self.touched.update(((person.email or "").strip().lower(), f"{person.kind}:{person.uid}"))
        self.office.sandbox.otys.opt_out(person.kind, person.uid, opted_out=opted_out)

    @precondition(lambda self: self.persons())
    @rule(who=which)
    def anonymise(self, who: int) -> None:
        person = self.persons()[who % len(self.persons())]
        self.office.sandbox.otys.anonymise(person.kind, person.uid)

    @precondition(lambda self: any(row.kind == "manual" for _, row in self.rows()))
    @rule(number=which, email=addresses)
    def edit_typed_row(self, number: int, email: str) -> None:
        typed = [(one, row) for one, row in self.rows() if row.kind == "manual"]
        mailing_list, row = typed[number % len(typed)]
        self.office.sandbox.otys.edit_manual(mailing_list.uid, row.uid, email=email)

    @precondition(lambda self: self.lists())
    @rule(number=which, name=names)
    def rename_list(self, number: int, name: str) -> None:
        self.office.sandbox.otys.rename_list(self._list(number).uid, name)
        self.moved_names = True

    @precondition(lambda self: self.lists())
    @rule(number=which, text=st.sampled_from(("Standaard", "U staat op onze lijst.")))
    def edit_reminder_in_otys(self, number: int, text: str) -> None:
        self.office.sandbox.otys.edit_reminder(self._list(number).uid, text)

    @precondition(lambda self: self.lists())
    @rule(number=which, flagged=st.booleans())
    def flag(self, number: int, flagged: bool) -> None:
        otys, uid = self.office.sandbox.otys, self._list(number).uid
        (otys.select_list if flagged else otys.unselect_list)(uid)
        self.moved_names = True

    @precondition(lambda self: self.lists())
    @rule(number=which)
    def delete_list(self, number: int) -> None:
        uid = self._list(number).uid
        self.office.sandbox.otys.delete_list(uid)
        self.deleted_at[uid] = self.office.agency.now
        self.moved_names = True

    @precondition(lambda self: self.lists())
    @rule(number=which)
    def empty_list(self, number: int) -> None:
        self.office.sandbox.otys.empty_list(self._list(number).uid)

    @rule(
        code=st.sampled_from(("SE3121", "SE3109", "GE203")),
        on=st.sampled_from((True, True, True, True, False)),
    )
    def edit_setting(self, code: str, on: bool) -> None:
        values = {
            "SE3121": ("U staat bij ons ingeschreven.", "Nieuwe tekst."),
            "SE3109": ("0", "1"),
            "GE203": ("", ",".join(one.uid for one in self.lists())),
        }
        self.office.sandbox.otys.set_setting(code, values[code][on])
        self.moved_names = True

    def _join(self, uid: str, email: str) -> None:
        known = self.office.sandbox.otys.people_at(email)
        if known:
            self.office.sandbox.otys.add_recipient(uid, known[0].kind, known[0].uid)
        elif len(self.persons()) < MOST_PEOPLE:
            self.office.sandbox.otys.add_recipient(uid, "candidate", email=email, first_name=email[0].title())

    # -- Mailchimp

    @precondition(lambda self: self.contacts())
    @rule(
        number=which,
        deed=st.sampled_from(("unsubscribe", "bounce", "put_in_compliance", "unsubscribe_by_admin")),
    )
    def say_no(self, number: int, deed: str) -> None:
        audience, email = self._contact(number)
        contact = self.office.sandbox.mailchimp.contact(audience, email)
        if contact is not None and contact.status in ("subscribed", "pending"):
            getattr(self.office.sandbox.mailchimp, deed)(audience, email)

    @precondition(lambda self: self.contacts())
    @rule(number=which)
    def archive(self, number: int) -> None:
        self.office.sandbox.mailchimp.archive(*self._contact(number))

    @precondition(lambda self: self.contacts())
    @rule(number=which)
    def delete_permanently(self, number: int) -> None:
        self.office.sandbox.mailchimp.delete_permanently(*self._contact(number))

    @precondition(lambda self: self.audiences())
    @rule(number=which, email=usable)
    def subscribe_by_form(self, number: int, email: str) -> None:
        audience = self.audiences()[number % len(self.audiences())]
        self.office.sandbox.mailchimp.subscribe_by_form(audience.id, email)
        self.touched.add(email)

    @precondition(lambda self: self.audiences())
    @rule(
        number=which,
        email=usable,
        status=st.sampled_from(("subscribed", "pending", "transactional", "unsubscribed")),
    )
    def import_stranger(self, number: int, email: str, status: str) -> None:
        audience = self.audiences()[number % len(self.audiences())]
        self.touched.add(email)
        try:
            self.office.sandbox.mailchimp.add_contact(audience.id, email, status)
        except Problem:
            return  # it is there already, or was deleted for good

    @precondition(lambda self: self.contacts())
    @rule(number=which)
    def confirm(self, number: int) -> None:
        audience, email = self._contact(number)
        contact = self.office.sandbox.mailchimp.contact(audience, email)
        if contact is not None and contact.status == "pending":
            self.office.sandbox.mailchimp.confirm(audience, email)

    @precondition(lambda self: self.contacts())
    @rule(number=which, email=usable)
    def change_address_in_mailchimp(self, number: int, email: str) -> None:
        audience, old = self._contact(number)
        self.touched.add(email)
        self.moved_contacts.add(audience)
        try:
            self.office.sandbox.mailchimp.change_address(audience, old, email)
        except Problem:
            return  # somebody else has it

    @precondition(lambda self: self.contacts())
    @rule(number=which, name=words)
    def edit_fields(self, number: int, name: str) -> None:
        audience, email = self._contact(number)
        self.office.sandbox.mailchimp.edit_fields(audience, email, FNAME=name)

    @precondition(lambda self: len(self.audiences()) < MOST_AUDIENCES)
    @rule(name=names)
    def add_audience(self, name: str) -> None:
        self.humans_audiences.add(self.office.sandbox.mailchimp.add_audience(name))
        self.moved_names = True

    @precondition(lambda self: self.audiences())
    @rule(number=which, name=names)
    def rename_audience(self, number: int, name: str) -> None:
        audience = self.audiences()[number % len(self.audiences())]
        self.office.sandbox.mailchimp.rename_audience(audience.id, name)
        self.moved_names = True

    @precondition(lambda self: self.audiences())
    @rule(number=which)
    def edit_reminder_in_mailchimp(self, number: int) -> None:
        audience = self.audiences()[number % len(self.audiences())]
        self.office.sandbox.mailchimp.edit_reminder(audience.id, "Door de marketeer geschreven.")

    @precondition(lambda self: self.audiences())
    @rule(number=which)
    def send_campaign(self, number: int) -> None:
        audience = self.audiences()[number % len(self.audiences())]
        self.office.sandbox.mailchimp.send_campaign(audience.id)

    @precondition(lambda self: self.audiences())
    @rule(number=which)
    def delete_audience(self, number: int) -> None:
        audience = self.audiences()[number % len(self.audiences())]
        self.office.sandbox.mailchimp.delete_audience(audience.id)
        self.moved_names = True
