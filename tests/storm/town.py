"""People who edit behind our back on both sides, at random from a seed, and what each of them is owed."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random

from reconciler.sandbox.mailchimp.state import Audience, Contact, Status
from reconciler.sandbox.otys.state import Entity, MailingList
from tests.passes.agency import Agency

OPT_OUT_FIELD = "Person.matchCriteria_9"
MOST_LISTS = 4
ANCHORS = 2
"""So many on each list never do anything, as a list or an audience that is empty is another story."""


@dataclass
class Town:
    """Everybody on the lists of an agency, and what they said."""

    acme: Agency
    chance: Random
    lists: list[MailingList] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """The uid of the list by every name that it ever had."""
    listed: defaultdict[str, list[Entity]] = field(default_factory=lambda: defaultdict(list))
    anchors: set[str] = field(default_factory=set)
    left: defaultdict[str, list[Entity]] = field(default_factory=lambda: defaultdict(list))
    said_no: set[tuple[str, str]] = field(default_factory=set)
    """A list and a person."""
    bounced: set[tuple[str, str]] = field(default_factory=set)
    """A list and an address."""
    opted_out: set[str] = field(default_factory=set)
    strangers: set[tuple[str, str]] = field(default_factory=set)
    addresses: dict[str, list[str]] = field(default_factory=dict)
    """Every address a person ever had, the present one last."""
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def open(self) -> None:
        """Let the agency begin with two lists."""
        mapping = self.acme.folder / "mapping.toml"
        mapping.write_text(f'[recipients.fields]\nopted_out = {{ path = "{OPT_OUT_FIELD}" }}\n', "utf-8")
        self.acme.mapping = mapping
        self.acme.world.otys.switches.opt_out_field = OPT_OUT_FIELD
        # The storm is about faults: nothing that people do here is to be withheld for its number.
        self.acme.configure(limits="removals_free = 1000\nflap_turns = 1000")
        self.make_list()
        self.make_list()

    def act(self) -> None:
        """Let somebody do something."""
        deed: Callable[[], None] = self.chance.choice(
            (
                *(self.join,) * 4,
                *(self.leave,) * 2,
                self.come_back,
                *(self.move,) * 2,
                self.marry,
                *(self.unsubscribe,) * 2,
                self.bounce,
                self.be_stopped,
                self.opt_out,
                self.be_taken_out,
                self.sign_up_again,
                self.sign_up_as_a_stranger,
                self.rename_list,
                self.edit_reminder,
                self.make_list,
            )
        )
        deed()

    def owed(self, of: MailingList) -> set[str]:
        """Given a list, return the addresses of ours that its audience has to reach."""
        return {self.address(who) for who in self.listed[of.uid] if not self.is_out(of, who)}

    def is_out(self, of: MailingList, who: Entity) -> bool:
        """Given a list and a person, return whether the person must not be reached."""
        return (
            (of.uid, who.uid) in self.said_no
            or (of.uid, self.address(who)) in self.bounced
            or who.uid in self.opted_out
        )

    def forbidden(self, of: MailingList) -> set[str]:
        """Given a list, return every address that no program may subscribe, as somebody said no there."""
        everybody = {who.uid: who for who in (*self.listed[of.uid], *self.left[of.uid])}
        silent = {uid for uid in everybody if (of.uid, uid) in self.said_no or uid in self.opted_out}
        return {email for uid in silent for email in self.addresses[uid]} | {
            email for uid, email in self.bounced if uid == of.uid
        }

    def address(self, who: Entity) -> str:
        """Given a person, return the present address."""
        return self.addresses[who.uid][-1]

    def audience(self, of: MailingList) -> Audience | None:
        """Given a list, return its audience if there is one."""
        audiences = self.acme.world.mailchimp.audiences.values()
        return next((one for one in audiences if self.names.get(one.name) == of.uid), None)

    # -- in OTYS

    def make_list(self) -> None:
        if len(self.lists) >= MOST_LISTS:
            return
        made = self.acme.list(f"Lijst {len(self.lists) + 1}")
        self.lists.append(made)
        self.names[made.name] = made.uid
        for _ in range(ANCHORS):
            self.anchors.add(self._newcomer(made).uid)

    def rename_list(self) -> None:
        chosen = self.chance.choice(self.lists)
        name = f"Lijst {next(self.numbers)} anders"
        self.names[name] = chosen.uid
        self.acme.sandbox.otys.rename_list(chosen.uid, name)

    def edit_reminder(self) -> None:
        chosen = self.chance.choice(self.lists)
        self.acme.sandbox.otys.edit_reminder(chosen.uid, f"U staat op lijst {next(self.numbers)}.")

    def join(self) -> None:
        self._newcomer(self.chance.choice(self.lists))

    def leave(self) -> None:
        of, who = self._somebody()
        if who is not None and not self._taken_out(of, who):
            self.acme.leave(of, who.email or "")
            self.listed[of.uid].remove(who)
            self.left[of.uid].append(who)

    def come_back(self) -> None:
        of = self.chance.choice(self.lists)
        if self.left[of.uid]:
            who = self.left[of.uid].pop()
            self.acme.join(of, who)
            self.listed[of.uid].append(who)

    def move(self) -> None:
        _, who = self._somebody()
        if who is not None:
            email = f"p{next(self.numbers)}@nieuw.nl"
            self.addresses[who.uid].append(email)
            self.acme.edit(who, email=email)

    def marry(self) -> None:
        _, who = self._somebody()
        if who is not None:
            self.acme.edit(who, last_name=f"Jansen-{next(self.numbers)}")

    def opt_out(self) -> None:
        _, who = self._somebody()
        if who is not None:
            self.opted_out.add(who.uid)
            self.acme.sandbox.otys.opt_out(who.kind, who.uid)

    # -- in Mailchimp

    def unsubscribe(self) -> None:
        self._say_no(self.acme.sandbox.mailchimp.unsubscribe)

    def be_stopped(self) -> None:
        self._say_no(self.acme.sandbox.mailchimp.put_in_compliance)

    def be_taken_out(self) -> None:
        self._say_no(self.acme.sandbox.mailchimp.archive)

    def bounce(self) -> None:
        of, who, audience, contact = self._subscriber()
        if who is not None and audience is not None and contact is not None:
            self.acme.sandbox.mailchimp.bounce(audience.id, contact.email_address)
            self.bounced.add((of.uid, contact.email_address))

    def sign_up_again(self) -> None:
        of = self.chance.choice(self.lists)
        audience = self.audience(of)
        for who in self.listed[of.uid]:
            contact = None if audience is None else audience.at_address(self.address(who))
            out = contact is not None and contact.status is Status.UNSUBSCRIBED
            if audience is not None and out and who.uid not in self.opted_out:
                self.acme.sandbox.mailchimp.subscribe_by_form(audience.id, self.address(who))
                self.said_no.discard((of.uid, who.uid))
                return

    def sign_up_as_a_stranger(self) -> None:
        of = self.chance.choice(self.lists)
        audience = self.audience(of)
        if audience is not None:
            email = f"gast{next(self.numbers)}@elders.nl"
            self.acme.sandbox.mailchimp.subscribe_by_form(audience.id, email)
            self.strangers.add((of.uid, email))

    # -- who

    def _newcomer(self, of: MailingList) -> Entity:
        email = f"p{next(self.numbers)}@zorg.nl"
        who = self.acme.person(email)
        self.acme.join(of, who)
        self.listed[of.uid].append(who)
        self.addresses[who.uid] = [email]
        return who

    def _somebody(self) -> tuple[MailingList, Entity | None]:
        of = self.chance.choice(self.lists)
        movable = [who for who in self.listed[of.uid] if who.uid not in self.anchors]
        return of, self.chance.choice(movable) if movable else None

    def _subscriber(self) -> tuple[MailingList, Entity | None, Audience | None, Contact | None]:
        """Return somebody who is reached, at the address where that is so."""
        of, who = self._somebody()
        audience = self.audience(of)
        if who is None or audience is None:
            return of, None, None, None
        found = (audience.at_address(email) for email in self.addresses[who.uid])
        reached = (one for one in found if one is not None and one.status is Status.SUBSCRIBED)
        return of, who, audience, next(reached, None)

    def _say_no(self, how: Callable[[str, str], None]) -> None:
        of, who, audience, contact = self._subscriber()
        if who is not None and audience is not None and contact is not None:
            how(audience.id, contact.email_address)
            self.said_no.add((of.uid, who.uid))

    def _taken_out(self, of: MailingList, who: Entity) -> bool:
        """Return whether leaving would end the no, as it does for who was taken out by a marketer."""
        return (of.uid, who.uid) in self.said_no
