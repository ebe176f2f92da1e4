"""Looks one address up in every list of a client, reading both services and writing nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import msgspec

from reconciler.client import Client
from reconciler.errors import CredentialsRejected, RemoteError, in_words
from reconciler.explain import Evidence, explain_from_memory, explain_in_list
from reconciler.explanation import ListExplanation
from reconciler.flapping import hold_flapping
from reconciler.guard import guard
from reconciler.linking import pair_lists
from reconciler.look import look_around
from reconciler.model import Address, Integration, ListUid, PassId
from reconciler.pairing import Inventory, Pairing
from reconciler.running import Pass
from reconciler.sides import plan_sides, read_sides
from reconciler.store import Remembered

OFF = "the integration is switched off in OTYS (setting 3109): nothing is read or written"
NO_PASS = PassId(0)  # a search is no pass: nothing of it is recorded


class AddressExplanation(msgspec.Struct, frozen=True, kw_only=True):
    """One address in all lists of one client."""

    client: str
    mode: str
    email: str
    erased_at: str | None = None
    """When it was erased on request, so that it is never added again."""
    lists: Sequence[ListExplanation] = ()
    """The lists that know the address; what failed to be read is among them."""
    searched: int = 0
    """How many lists were read."""
    unselected: int = 0
    """How many lists of OTYS were not read, because they are not selected for Mailchimp."""
    problems: Sequence[str] = ()

    @property
    def failed(self) -> bool:
        """Whether something could not be read, so that the answer may lack something."""
        return bool(self.problems) or any(one.problem for one in self.lists)


Progress = Callable[[int, int, str], None]
"""Is told which list of how many is read now, and its name."""


def search(
    client: Client, address: Address, *, only: ListUid | None, progress: Progress
) -> AddressExplanation:
    """Given a client that cannot write and an address, return where it stands and why.

    Raise ReconcilerError when neither lists nor audiences can be read at all.
    """
    remembered = {one.list_uid: one for one in client.store.find(client.name, address)}
    erased = client.store.erased(client.name).get(client.store.key_address(address))
    blank = AddressExplanation(
        client=client.name,
        mode=client.mode,
        email=address,
        erased_at=None if erased is None else erased.isoformat(),
    )
    integration = client.lists.integration()
    if not integration.enabled:
        known = tuple(explain_from_memory(one, f"Nothing happens: {OFF}.") for one in remembered.values())
        return msgspec.structs.replace(blank, lists=known, problems=(OFF,))
    with client.open_mailchimp(integration) as mailchimp:
        running = Pass(client=client, id=NO_PASS, mailchimp=mailchimp)
        return _search(running, integration, blank, remembered, only=only, progress=progress)


def _search(
    running: Pass,
    integration: Integration,
    blank: AddressExplanation,
    remembered: Mapping[ListUid, Remembered],
    *,
    only: ListUid | None,
    progress: Progress,
) -> AddressExplanation:
    client = running.client
    inventory, running, problems = look_around(running, integration)
    pairings = pair_lists(inventory, policy=client.policy, limits=client.limits, now=client.now())
    chosen = _chosen(inventory, pairings, only)
    found: list[ListExplanation] = []
    for number, pairing in enumerate(chosen, start=1):
        progress(number, len(chosen), pairing.list_name)
        explained = _look_into(running, _with_audience(pairing, inventory), blank.email, remembered)
        if explained is not None:
            found.append(explained)
    looked_at = {pairing.list_uid for pairing in chosen}
    found += [
        explain_from_memory(one, "This list is not synchronised any more; this is what is remembered.")
        for uid, one in remembered.items()
        if uid not in looked_at and only in (None, uid)
    ]
    if only is not None and not chosen and only not in remembered:
        problems = (*problems, f"list {only} is not in OTYS; `reconciler lists --all` shows every list")
    return msgspec.structs.replace(
        blank,
        lists=tuple(found),
        searched=len(chosen),
        unselected=sum(one.uid not in looked_at for one in inventory.catalogue.lists) if only is None else 0,
        problems=problems,
    )


def _chosen(inventory: Inventory, pairings: Sequence[Pairing], only: ListUid | None) -> tuple[Pairing, ...]:
    """A list that is asked for by name is read even if it is not selected."""
    if only is None:
        return tuple(pairings)
    chosen = tuple(pairing for pairing in pairings if pairing.list_uid == only)
    return chosen or tuple(
        Pairing(list_uid=one.uid, list_name=one.name, mailing_list=one)
        for one in inventory.catalogue.lists
        if one.uid == only
    )


def _with_audience(pairing: Pairing, inventory: Inventory) -> Pairing:
    """A list that is held is looked at as well: its audience may be there."""
    audience_id = None if pairing.link is None else pairing.link.audience_id
    audiences = {audience.id: audience for audience in inventory.audiences.audiences}
    if pairing.audience is not None or audience_id not in audiences:
        return pairing
    return replace(pairing, audience=audiences[audience_id])


def _look_into(
    running: Pass, pairing: Pairing, email: str, remembered: Mapping[ListUid, Remembered]
) -> ListExplanation | None:
    client, address = running.client, Address(email)
    try:
        sides = read_sides(running, pairing)
    except CredentialsRejected:
        raise
    except RemoteError as error:
        return ListExplanation(
            list=pairing.list_uid,
            list_name=pairing.list_name,
            audience=None if pairing.audience is None else pairing.audience.id,
            answer="It is not known, because the list could not be read.",
            problem=in_words(error),
        )
    _, plan = plan_sides(running, sides)
    plan = hold_flapping(running, plan)
    guarded = guard(plan, client.limits, approved=running.approved.__contains__)
    waiting = client.store.proposals(client.name, now=running.now())
    evidence = Evidence(
        pairing=pairing,
        sides=sides,
        guarded=guarded,
        remembered=remembered.get(pairing.list_uid),
        address_key=client.store.key_address(address),
        proposed=frozenset(proposal.digest for proposal in waiting),
    )
    return explain_in_list(address, evidence, templates=client.templates, policy=client.policy)
