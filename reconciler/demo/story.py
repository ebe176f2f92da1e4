"""What happens in the demo's world between two passes: each thing done, told, and what is expected of it."""

from collections.abc import Callable
from pathlib import Path

from reconciler.demo.cast import Cast
from reconciler.demo.event import Event, Expected, Side, Untouched, Withheld
from reconciler.model import ListVerb, Verb
from reconciler.sandbox import Sandbox
from reconciler.sandbox.mailchimp.state import Status
from reconciler.sandbox.otys.state import Kind, MailingList
from reconciler.sandbox.worlds.demo import BIG_LIST, LIST_OF_501

NEWCOMER = "nora.de.wit@nieuwkomers.nl"
TYPED = "stage@hogeschool-zuid.nl"
JAVA = "Java-ontwikkelaars"
ALUMNI = "Alumni traineeship"
NETWORK = "HR-netwerk Noord"
YOUNG = "Young professionals"
WORKSHOP = "Deelnemers workshop solliciteren"
REMINDER_OF_OTYS = "Je kreeg deze mail omdat je ons traineeship hebt gevolgd."
REMINDER_OF_MARKETER = "Je hoort bij ons HR-netwerk. Liever geen mail? Meld je hieronder af."


class Story:
    """Lets people act in the sandbox, one event after another."""

    def __init__(self, sandbox: Sandbox, cast: Cast, backups: Path) -> None:
        self._sandbox = sandbox
        self._cast = cast
        self._backups = backups
        self._everybody = cast.mailing_list(BIG_LIST)
        self.unsubscribed = ""
        """Who unsubscribed; known once that happened."""

    def events(self) -> tuple[Callable[[], Event], ...]:
        """Return what happens, in order; calling one makes it happen and tells it."""
        return (
            self._two_people_join,
            self._somebody_is_taken_off,
            self._an_address_changes,
            self._a_name_changes,
            self._somebody_unsubscribes,
            self._somebody_bounces,
            self._a_marketer_archives,
            self._a_marketer_edits_a_name,
            self._a_recruiter_edits_a_reminder,
            self._a_marketer_edits_a_reminder,
            self._a_list_is_renamed,
            self._a_list_is_deleted,
            self._a_list_is_emptied,
        )

    def _two_people_join(self) -> Event:
        java = self._cast.mailing_list(JAVA)
        self._sandbox.otys.add_recipient(
            java.uid, Kind.CANDIDATE, email=NEWCOMER, first_name="Nora", infix="de", last_name="Wit"
        )
        self._sandbox.otys.add_recipient(java.uid, Kind.MANUAL, email=TYPED)
        return Event(
            side=Side.OTYS,
            told=f"A recruiter adds candidate Nora de Wit to '{JAVA}', and types {TYPED} by hand.",
            expected="Both are added, with their names where OTYS has them.",
            demands=(Expected(java.uid, Verb.ADD, NEWCOMER), Expected(java.uid, Verb.ADD, TYPED)),
            true_afterwards=lambda: (
                self._status(java, NEWCOMER) is self._status(java, TYPED) is Status.SUBSCRIBED
            ),
        )

    def _somebody_is_taken_off(self) -> Event:
        who = self._cast.somebody_of(self._everybody)
        self._sandbox.otys.remove_recipient(self._everybody.uid, who.email)
        return Event(
            side=Side.OTYS,
            told=f"A recruiter takes {who.name} off '{BIG_LIST}'.",
            expected="The contact is archived: not unsubscribed, not deleted; it can come back.",
            demands=(Expected(self._everybody.uid, Verb.REMOVE, who.email),),
            true_afterwards=lambda: self._status(self._everybody, who.email) is Status.ARCHIVED,
        )

    def _an_address_changes(self) -> Event:
        who = self._cast.somebody_of(self._cast.mailing_list(JAVA))
        lists = self._cast.lists_of(who.uid)
        before = {one.uid: self._contact_id(one, who.email) for one in lists}
        address = f"{who.email.partition('@')[0]}@nieuwe-werkgever.nl"
        self._sandbox.otys.edit_person(who.kind, who.uid, email=address)
        return Event(
            side=Side.OTYS,
            told=f"{who.name} gets another address: {who.email} becomes {address}.",
            expected=f"The same contact is renamed in {len(lists)} audiences; its history stays with it.",
            demands=tuple(Expected(one.uid, Verb.RENAME, address) for one in lists),
            true_afterwards=lambda: before == {one.uid: self._contact_id(one, address) for one in lists},
        )

    def _a_name_changes(self) -> Event:
        who = self._cast.somebody_of(self._everybody)
        lists = self._cast.lists_of(who.uid)
        self._sandbox.otys.edit_person(who.kind, who.uid, infix="van", last_name="Rijn")
        return Event(
            side=Side.OTYS,
            told=f"{who.name} ({who.email}) marries and is called van Rijn from now on.",
            expected="The surname is written, and nothing else.",
            demands=tuple(Expected(one.uid, Verb.UPDATE, who.email) for one in lists),
            true_afterwards=lambda: all(self._field(one, who.email, "LNAME") == "van Rijn" for one in lists),
        )

    def _somebody_unsubscribes(self) -> Event:
        who = self._cast.somebody_of(self._everybody)
        self._sandbox.mailchimp.unsubscribe(self._cast.audience(self._everybody), who.email)
        self.unsubscribed = who.email
        return self._says_no(
            who.email,
            Status.UNSUBSCRIBED,
            told=f"{who.name} ({who.email}) clicks 'unsubscribe' in a mail.",
            expected="The no is remembered for ever. OTYS still lists the person; nobody adds them again.",
        )

    def _somebody_bounces(self) -> Event:
        who = self._cast.somebody_of(self._everybody)
        self._sandbox.mailchimp.bounce(self._cast.audience(self._everybody), who.email)
        return self._says_no(
            who.email,
            Status.CLEANED,
            told=f"Mails to {who.name} ({who.email}) bounce for good.",
            expected="The address is not tried again.",
        )

    def _a_marketer_archives(self) -> Event:
        who = self._cast.somebody_of(self._everybody)
        self._sandbox.mailchimp.archive(self._cast.audience(self._everybody), who.email)
        return self._says_no(
            who.email,
            Status.ARCHIVED,
            told=f"A marketer archives {who.name} ({who.email}).",
            expected="What a colleague took out stays out, although OTYS lists the person.",
        )

    def _a_marketer_edits_a_name(self) -> Event:
        who = self._cast.somebody_of(self._everybody)
        self._sandbox.mailchimp.edit_fields(
            self._cast.audience(self._everybody), who.email, FNAME="Beste lezer"
        )
        return Event(
            side=Side.MAILCHIMP,
            told=f"A marketer changes the first name of {who.name} ({who.email}) to 'Beste lezer'.",
            expected="Only Mailchimp's side changed, so it is kept and not fought over.",
            demands=(Untouched(self._everybody.uid, who.email),),
            true_afterwards=lambda: self._field(self._everybody, who.email, "FNAME") == "Beste lezer",
        )

    def _a_recruiter_edits_a_reminder(self) -> Event:
        alumni = self._cast.mailing_list(ALUMNI)
        self._sandbox.otys.edit_reminder(alumni.uid, REMINDER_OF_OTYS)
        return Event(
            side=Side.OTYS,
            told=f"A recruiter rewrites the permission reminder of '{ALUMNI}'.",
            expected="The audience gets the new text.",
            demands=(Expected(alumni.uid, ListVerb.UPDATE_SETTINGS),),
            true_afterwards=lambda: self._reminder(alumni) == REMINDER_OF_OTYS,
        )

    def _a_marketer_edits_a_reminder(self) -> Event:
        network = self._cast.mailing_list(NETWORK)
        self._sandbox.mailchimp.edit_reminder(self._cast.audience(network), REMINDER_OF_MARKETER)
        return Event(
            side=Side.MAILCHIMP,
            told=f"A marketer rewrites the permission reminder of '{NETWORK}'.",
            expected="Kept: OTYS' text did not change since.",
            demands=(Untouched(network.uid),),
            true_afterwards=lambda: self._reminder(network) == REMINDER_OF_MARKETER,
        )

    def _a_list_is_renamed(self) -> Event:
        young, name = self._cast.mailing_list(YOUNG), f"{YOUNG} & starters"
        self._sandbox.otys.rename_list(young.uid, name)
        return Event(
            side=Side.OTYS,
            told=f"The list '{YOUNG}' is renamed to '{name}'.",
            expected="The audience follows; no second one is made, as a list is known by its uid.",
            demands=(Expected(young.uid, ListVerb.RENAME_AUDIENCE),),
            true_afterwards=lambda: self._sandbox.mailchimp.audience(self._cast.audience(young)).name == name,
        )

    def _a_list_is_deleted(self) -> Event:
        workshop = self._cast.mailing_list(WORKSHOP)
        audience = self._cast.audience(workshop)
        self._sandbox.otys.delete_list(workshop.uid)
        return Event(
            side=Side.OTYS,
            told=f"The list '{WORKSHOP}' is deleted.",
            expected="Every contact is saved to a file first; then the audience is deleted. (At once: this "
            "demo sets the grace period to nothing; by default a day has to prove the deletion.)",
            demands=(Expected(workshop.uid, ListVerb.DELETE),),
            true_afterwards=lambda: (
                audience not in self._sandbox.world.mailchimp.audiences
                and len(list(self._backups.glob(f"*{audience}*.gz"))) == 1
            ),
        )

    def _a_list_is_emptied(self) -> Event:
        freelancers = self._cast.mailing_list(LIST_OF_501)
        count = self._sandbox.otys.empty_list(freelancers.uid)
        return Event(
            side=Side.OTYS,
            told=f"Somebody empties the list '{LIST_OF_501}' of {count}. A mistake, perhaps.",
            expected="A guard withholds the removals until a person approves exactly these.",
            demands=(Withheld(freelancers.uid, count),),
            true_afterwards=lambda: self._subscribed(freelancers) == count,
        )

    def _says_no(self, email: str, status: Status, *, told: str, expected: str) -> Event:
        return Event(
            side=Side.MAILCHIMP,
            told=told,
            expected=expected,
            demands=(Expected(self._everybody.uid, Verb.SUPPRESS, email),),
            true_afterwards=lambda: self._status(self._everybody, email) is status,
        )

    def _status(self, mailing_list: MailingList, email: str) -> Status | None:
        contact = self._cast.contact(mailing_list, email)
        return None if contact is None else contact.status

    def _contact_id(self, mailing_list: MailingList, email: str) -> str:
        contact = self._cast.contact(mailing_list, email)
        return "" if contact is None else contact.contact_id

    def _field(self, mailing_list: MailingList, email: str, tag: str) -> object:
        contact = self._cast.contact(mailing_list, email)
        return None if contact is None else contact.merge_fields.get(tag)

    def _reminder(self, mailing_list: MailingList) -> str:
        return self._sandbox.mailchimp.audience(self._cast.audience(mailing_list)).permission_reminder

    def _subscribed(self, mailing_list: MailingList) -> int:
        contacts = self._sandbox.mailchimp.audience(self._cast.audience(mailing_list)).contacts.values()
        return sum(contact.status is Status.SUBSCRIBED for contact in contacts)
