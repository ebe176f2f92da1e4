"""Somebody asks to be forgotten: what an erasure does is held against what the screens and files show."""

# ruff: noqa: FBT001 (Hypothesis passes the arguments of a rule by name)
from collections import Counter
from collections.abc import Collection, Sequence

from hypothesis import strategies as st
from hypothesis.stateful import rule

from reconciler.address import normalise
from reconciler.erase import AddressErasure
from reconciler.erasing import Request, erase, look_at_erasure
from reconciler.errors import ReconcilerError
from reconciler.model import Deed as Verb
from reconciler.model import Person
from tests.machine import clerk
from tests.machine.clerk import Erased
from tests.machine.people import usable
from tests.machine.watching import Watching
from tests.machine.wire import LASTING
from tests.machine.witness import Deed, Did
from tests.passes.traces import files_that_hold, kept_bodies

SAFELY_GONE = ("archived", "pending", "cleaned")
"""A contact that is not deleted for good; the last two cannot be archived."""

_SHOWN_AS = {"contact": "relationcontact"}


def on_screen(person: Person) -> str:
    return f"{_SHOWN_AS.get(person.kind, person.kind)}:{person.uid}"


class Erasing(Watching):
    """Adds an operator who erases people."""

    @rule(email=usable, permanently=st.booleans(), moments=st.one_of(st.none(), st.integers(0, 12)))
    def erase(self, email: str, permanently: bool, moments: int | None) -> None:
        """Look, and do exactly what was shown; if that is cut off at a lasting moment, do it once more."""
        request = Request(address=normalise(email), permanently=permanently)
        try:
            shown = self._look_at(request)
        except ReconcilerError as error:
            if "switched off" in str(error):
                return
            raise
        if not shown.digest:
            return
        assert email in shown.erased.addresses
        left_out = self._behind(email) - set(map(on_screen, shown.erased.persons))
        assert not left_out, f"{left_out} not among {shown}"
        self.office.witness.deeds.clear()
        since = self._last_pass()
        if moments is not None and not self.sockets:
            self.office.wire.axe.raise_over(moments, LASTING)
        _, killed = self._run(lambda: self._carry_out(request, shown))
        if killed:
            rest = self._look_at(request)
            assert not rest.problems, rest.problems
            if rest.digest:
                self._carry_out(request, rest)
        self.erased = Erased(
            self.erased.addresses | shown.erased.addresses,
            self.erased.people | set(map(on_screen, shown.erased.persons)),
        )
        self._remember_who_was_erased()
        self._check_erased(shown, self.office.witness.deeds, since)

    def _look_at(self, request: Request) -> AddressErasure:
        return self.office.with_client(lambda client: look_at_erasure(client, request), plan_only=True)

    def _carry_out(self, request: Request, shown: AddressErasure) -> None:
        self.office.with_client(lambda client: erase(client, request, digest=shown.digest, by="eva"))

    def _last_pass(self) -> int:
        return max((one.id for one in self.office.store.passes("acme", limit=1)), default=0)

    def _behind(self, email: str) -> set[str]:
        """Whoever stands behind the address on a list that is flagged or was linked, on any screen."""
        seen = self._kept_lists() | {link.list_uid for link in self.office.store.links("acme")}
        lists = [one for one in self.lists() if one.uid in seen]
        return {who for one in lists for who in self._screens(one).behind.get(email, ())}

    def _remember_who_was_erased(self) -> None:
        for uid, page in self.pages.items():
            self.pages[uid] = clerk.erase(page, self.erased)

    def _check_erased(self, shown: AddressErasure, deeds: Sequence[Deed], since: int) -> None:
        wanted = Did.ERASE if shown.permanently else Did.ARCHIVE
        theirs = {one.contact.contact_id for one in shown.contacts}
        for deed in deeds:
            assert deed.did is wanted, f"{deed} in an erasure"
            assert deed.contact in theirs, f"I2: {deed} is about somebody else"
        self._check_nobody_is_there(shown)
        self._check_history(shown, deeds, since)
        self._check_no_trace(shown.erased.addresses)

    def _check_nobody_is_there(self, shown: AddressErasure) -> None:
        for audience in {str(link.audience_id) for link in self.office.store.links("acme")}:
            there = self.office.sandbox.world.mailchimp.audiences.get(audience)
            contact = None if there is None else there.at_address(shown.address)
            if contact is not None:
                gone = not shown.permanently and contact.status in SAFELY_GONE
                assert gone, f"{contact} is in {audience} after {shown}"

    def _check_history(self, shown: AddressErasure, deeds: Sequence[Deed], since: int) -> None:
        """I7, without a name: of the very lists that the operator was shown.

        A list that will take over an audience is shown for it before a pass links the two.
        """
        homes = {str(one.audience_id): str(one.list_uid) for one in shown.contacts}
        store = self.office.store
        told = Counter(
            str(row.list_uid)
            for one in store.passes("acme", limit=5)
            if one.id > since
            for row in store.outcomes(one.id)
            if row.verb == Verb.ERASE and row.reason.startswith("in Mailchimp")
        )
        done = Counter(homes[deed.audience] for deed in deeds)
        assert done == told, f"I7: done {deeds}, told {told}"

    def _check_no_trace(self, addresses: Collection[str]) -> None:
        if not addresses:
            return
        traces = files_that_hold(self.office.folder / "state", *addresses)
        assert not traces, f"I8: {addresses} in {traces} though erased"
        kept = b"".join(kept_bodies(self.office.store))
        assert not any(at.encode() in kept for at in addresses), f"I8: {addresses} in {kept!r}"
