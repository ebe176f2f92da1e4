"""Releases an address, or shows what that would do: nothing is ever written to OTYS or Mailchimp."""

from dataclasses import dataclass, replace

from reconciler.client import Client
from reconciler.deed import located, only_one, require_named
from reconciler.errors import ReconcilerError
from reconciler.hidden import Hidden
from reconciler.model import Address, Deed, ListUid, PassResult, Result
from reconciler.release import AddressRelease, release_of
from reconciler.whereabouts import Located


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be released, and why."""

    address: Address
    only: ListUid | None = None
    because: str = ""
    """How the operator knows that a no is over."""


def look_at_release(client: Client, wish: Wish) -> AddressRelease:
    """Given a client and what is to be released, return what that would do.

    Raise ReconcilerError when it cannot be told.
    """
    erased = client.store.erased(client.name).get(client.store.key_address(wish.address))
    if erased is not None:
        raise ReconcilerError(
            f"It was erased on request on {erased:%Y-%m-%d}, and nobody can release that.",
            advice="Whoever wants mail again subscribes by their own action; every pass leaves them alone.",
        )
    with located(client, wish.address, only=wish.only) as (_, found):
        return release_of(
            _without_erased(client, found),
            explained=bool(wish.because),
            templates=client.templates,
            policy=client.policy,
            now=client.now(),
        )


def _without_erased(client: Client, found: Located) -> Located:
    """Whoever has an erased address by now is hidden from a pass, and nothing may remember them by it."""
    hidden = Hidden(client.store, client.name)
    return replace(
        found,
        lists=tuple(
            replace(
                one,
                sides=replace(
                    one.sides,
                    recipients=hidden.in_list(one.sides.recipients),
                    contacts=hidden.in_audience(one.sides.contacts),
                ),
            )
            for one in found.lists
        ),
    )


def release(client: Client, wish: Wish, *, digest: str, by: str) -> AddressRelease:
    """Given a client and what was approved, release exactly that; return what was released.

    Raise StaleApproval when it is something else by now, and LockHeld when a pass runs.
    """
    with only_one(client, Deed.RELEASE):
        found = look_at_release(client, wish)
        require_named(found.digest, digest, Deed.RELEASE)
        store, who = client.store, f"{by}: {wish.because}" if wish.because else by
        pass_id = store.begin_pass(client.name, mode=client.mode, trigger=Deed.RELEASE, now=client.now())
        for one in found.releases:
            store.release(pass_id, client.name, one, by=who, now=client.now())
        counts = {f"{Deed.RELEASE}.{Result.APPLIED}": len(found.releases)}
        store.end_pass(pass_id, result=PassResult.DONE, counts=counts, problems=(), now=client.now())
    return found
