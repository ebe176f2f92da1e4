"""What people are owed, as a careful clerk with paper and pencil would know it.

Before each pass the clerk looks at both services' screens and writes down who said no to which list. The
clerk knows nothing of the product: neither its database nor its decisions.

What the clerk cannot be asked to know, in words:
- A no that nobody could see when we looked is not known. That goes for one that was said and taken back
  between two looks, and for the no of somebody who had moved before we ever saw them at the address.
- Somebody whom OTYS says is opted out, and who is subscribed though not by us, is not ours: they are left
  alone, and nothing is written down while it lasts.
- "Taken out by somebody in Mailchimp" ends when OTYS drops the person (to empty the address is to drop),
  where they all came back by their own action, or where the agency chose to restore.
  A permanent deletion looks the same, and is no more than that. It is over where the address has signed up
  anew by the time somebody looks: then that contact's standing counts. Whoever has the address may share in
  it, so that nobody can demand that they be subscribed.
- A bounce is the address's trouble: it does not follow a person to another address.
- Who was erased on request is nobody's business from then on: nothing that is said at their address, or by
  who shares it, is written down, and nobody subscribes them but they themselves.
- With an old memory put back, every no that was written down stands. Who was reached, and under which
  address, is known only as it was then.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Why(StrEnum):
    """What somebody said, or what was done to them."""

    UNSUBSCRIBED = "unsubscribed in Mailchimp"
    BOUNCED = "bounced in Mailchimp"
    OPTED_OUT = "opted out in OTYS"
    TAKEN_OUT = "taken out in Mailchimp"
    ERASED = "erased on request"


_SAID_NO = {"unsubscribed": Why.UNSUBSCRIBED, "cleaned": Why.BOUNCED}
_REACHED = ("subscribed", "pending", "transactional")


@dataclass(frozen=True)
class Said:
    """A no to one list: of an address, and of the people who stood behind it."""

    address: str
    people: frozenset[str]
    why: Why

    def holds_for(self, address: str, people: Iterable[str]) -> bool:
        return self.address == address or (self.why is not Why.BOUNCED and not self.people.isdisjoint(people))


@dataclass(frozen=True)
class Shown:
    """One contact on Mailchimp's screen."""

    contact: str
    """What stays the same when its address changes."""
    standing: str


@dataclass(frozen=True)
class Screens:
    """One list in OTYS and its audience in Mailchimp, as anybody can see them."""

    behind: Mapping[str, frozenset[str]]
    """Who stands behind each usable address of the list."""
    people: frozenset[str]
    """Everybody on the list who has an address, usable or not."""
    opted_out: frozenset[str]
    contacts: Mapping[str, Shown]
    """By address; empty while there is no audience."""
    audience_there: bool = True


@dataclass
class Page:
    """What is written down about one list."""

    nos: frozenset[Said] = frozenset()
    reached: Mapping[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    """Contact and people of each address that was listed and subscribed when we last looked."""
    let_go: frozenset[str] = frozenset()
    """Contacts whose adoption an operator undid: they are strangers."""

    def no_of(self, address: str, people: Iterable[str]) -> Said | None:
        """Given an address and the people behind it now, return a no that forbids to mail them."""
        behind = frozenset(people)
        return next((no for no in self.nos if no.holds_for(address, behind)), None)


@dataclass(frozen=True)
class Erased:
    """Who was erased on request: for ever, and on every list."""

    addresses: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    @property
    def nos(self) -> frozenset[Said]:
        return frozenset(Said(address, self.people, Why.ERASED) for address in self.addresses)

    def hidden(self, screens: Screens) -> Screens:
        """Given what the screens show, return what is left of it to look at."""
        behind = {
            address: people
            for address, people in screens.behind.items()
            if address not in self.addresses and people.isdisjoint(self.people)
        }
        contacts = {at: shown for at, shown in screens.contacts.items() if at not in self.addresses}
        return replace(screens, behind=behind, contacts=contacts)


def look(page: Page, screens: Screens, *, restores: bool, erased: Erased | None = None) -> Page:
    """Given what was written down and what the screens show, return what is known now.

    `restores`: the agency puts back those whom somebody took out in Mailchimp.
    """
    erased = erased or Erased()
    screens = erased.hidden(screens)
    nos = _without_those_who_came_back(page.nos, screens)
    if screens.people:
        nos = frozenset(no for no in nos if not _dropped(no, screens))
    nos |= {*_said_no(page, screens), *_opted_out(page, screens)}
    if screens.audience_there and not restores:
        nos |= {*_taken_out(page, screens)}
    return replace(page, nos=frozenset(nos) | erased.nos)


def newcomers(page: Page, screens: Screens) -> frozenset[str]:
    """Given a page and the screens, return who stands behind an address now that was taken out since."""
    there = _contacts_there(screens)
    taken_out = (address for address, (contact, _) in page.reached.items() if contact not in there)
    return frozenset(who for address in taken_out for who in screens.behind.get(address, ()))


def left_behind(page: Page, screens: Screens) -> frozenset[str]:
    """Given a page and the screens, return the addresses that somebody left for one that is opted out.

    Whoever has such an address next may share in it.
    """
    silent = screens.opted_out.union(
        *(people for people in screens.behind.values() if not people.isdisjoint(screens.opted_out))
    )
    return frozenset(
        address
        for address, (_, known) in page.reached.items()
        if address not in screens.behind and not known.isdisjoint(silent)
    )


def _contacts_there(screens: Screens) -> frozenset[str]:
    shown = screens.contacts.values()
    return frozenset(one.contact for one in shown if one.standing != "archived")


def after(page: Page, screens: Screens, erased: Erased | None = None) -> Page:
    """Given a page and what the screens show after a pass, note who is listed and subscribed now."""
    screens = (erased or Erased()).hidden(screens)
    kept = {
        address: known
        for address, known in page.reached.items()
        if address not in screens.behind
        and address in screens.contacts
        and screens.contacts[address].standing in _REACHED
    }
    now = {
        address: (screens.contacts[address].contact, people)
        for address, people in screens.behind.items()
        if address in screens.contacts
        and screens.contacts[address].standing == "subscribed"
        and screens.contacts[address].contact not in page.let_go
        and not _is_left_alone(page, screens, address)
    }
    return replace(page, reached={**kept, **now})


def let_go(page: Page, addresses: AbstractSet[str]) -> Page:
    """Given a page and the addresses that an operator let go, return it with their contacts as strangers."""
    contacts = {contact for address, (contact, _) in page.reached.items() if address in addresses}
    reached = {address: known for address, known in page.reached.items() if address not in addresses}
    return replace(page, reached=reached, let_go=page.let_go | contacts)


def release(page: Page, address: str, people: frozenset[str]) -> Page:
    """Given an address and the people behind it, whom somebody released, forget their nos."""
    people |= {one for no in page.nos if no.address == address for one in no.people}
    return replace(page, nos=frozenset(no for no in page.nos if not no.holds_for(address, people)))


def erase(page: Page, erased: Erased) -> Page:
    """Given a page and who was erased, forget where they were reached and what they said; remember only that.

    What those said with whom they shared an address goes on counting for the others.
    """
    said = (no for no in page.nos if no.why is not Why.ERASED)
    others = frozenset(replace(no, people=no.people - erased.people) for no in said)
    reached = {at: known for at, known in page.reached.items() if at not in erased.addresses}
    return replace(page, nos=others | erased.nos, reached=reached)


def inherit(page: Page, other: Page) -> Page:
    """Given the pages of a list and of a gone one whose audience it got, return what is known of it now."""
    return replace(page, nos=page.nos | other.nos)


def with_old_memory(page: Page, old: Page, remembered: AbstractSet[str]) -> Page:
    """Given a page of now and the same one as it once was, return it after that old memory was put back.

    `remembered`: the addresses of the nos that were kept by now. Who seemed to be taken out when an audience
    was suddenly empty is not among them: that was withheld as an accident, and an old copy cannot know of it.
    """
    return replace(without_questions(page, remembered), reached=old.reached, let_go=old.let_go)


def without_questions(page: Page, remembered: AbstractSet[str]) -> Page:
    """Given a page, return it without those who only seemed to be taken out, which nobody ever confirmed."""
    nos = frozenset(no for no in page.nos if no.why is not Why.TAKEN_OUT or no.address in remembered)
    return replace(page, nos=nos)


def only_ends(before: Page, seen: Page, archived: AbstractSet[str]) -> Page:
    """Given a page before and after a look that may not have been noticed, keep of it only what ended.

    `archived`: the contacts that we took out ourselves meanwhile, whom nobody else took out.
    """
    reached = {at: known for at, known in before.reached.items() if known[0] not in archived}
    return replace(before, nos=before.nos & seen.nos, reached=reached)


def _without_those_who_came_back(nos: frozenset[Said], screens: Screens) -> frozenset[Said]:
    """We never subscribe who said no: whoever is subscribed all the same came back by themselves."""
    left = nos
    for address in {no.address for no in nos}:
        shown = screens.contacts.get(address)
        if shown is None or shown.standing != "subscribed":
            continue
        back = screens.behind.get(address, frozenset())
        others = (no for no in left if no.address != address)
        left = frozenset(no for no in (_without(no, back) for no in others) if no is not None)
    return left


def _without(no: Said, back: frozenset[str]) -> Said | None:
    """A no about another address stays while anybody is left who said it; a bounce there says nothing."""
    if no.why is Why.BOUNCED or no.people.isdisjoint(back):
        return no
    return replace(no, people=no.people - back) if no.people - back else None


def _dropped(no: Said, screens: Screens) -> bool:
    shared = bool(no.people) and no.address in screens.behind
    gone = no.people.isdisjoint(screens.people) and not shared
    return no.why is Why.TAKEN_OUT and gone


def _said_no(page: Page, screens: Screens) -> Iterable[Said]:
    for address, shown in screens.contacts.items():
        _, known = page.reached.get(address, ("", frozenset[str]()))
        people = known | screens.behind.get(address, frozenset())
        if shown.standing in _SAID_NO and people:
            yield Said(address, people, _SAID_NO[shown.standing])


def _opted_out(page: Page, screens: Screens) -> Iterable[Said]:
    for address, people in screens.behind.items():
        if not people.isdisjoint(screens.opted_out) and not _is_left_alone(page, screens, address):
            yield Said(address, people, Why.OPTED_OUT)


def _is_left_alone(page: Page, screens: Screens, address: str) -> bool:
    """Whether somebody there is opted out in OTYS, and subscribed though not by us."""
    shown = screens.contacts.get(address)
    return (
        shown is not None
        and shown.standing in _REACHED
        and page.reached.get(address, ("",))[0] != shown.contact
        and not screens.opted_out.isdisjoint(screens.behind[address])
    )


def _taken_out(page: Page, screens: Screens) -> Iterable[Said]:
    there = _contacts_there(screens)
    for address, (contact, known) in page.reached.items():
        shown = screens.contacts.get(address)
        anew = shown is not None and shown.standing != "archived"
        if contact not in there and not anew and not known.isdisjoint(screens.people):
            yield Said(address, known | screens.behind.get(address, frozenset()), Why.TAKEN_OUT)
