"""The first look of a pass: which lists, audiences and links there are, both services side by side."""

from collections.abc import Mapping
from dataclasses import replace

from reconciler.errors import RemoteError, in_words
from reconciler.linking import missing_lists
from reconciler.model import AudienceId, Fate, Integration, LinkState, ListUid, Result
from reconciler.pairing import Inventory
from reconciler.running import Pass
from reconciler.store import IntentKind
from reconciler.threads import threads


def look_around(running: Pass, integration: Integration) -> tuple[Inventory, Pass, tuple[str, ...]]:
    """Given a pass and the client's settings, return its inventory, the pass that knows it, and problems.

    Raise RemoteError when the lists or the audiences cannot be read at all.
    """
    client = running.client
    with threads(2, "look") as both:
        lists = both.submit(client.lists.catalogue)
        audiences = both.submit(running.source.audiences)
        catalogue, found = lists.result(), audiences.result()
    inventory = Inventory(
        flagged=integration.flagged,
        catalogue=catalogue,
        audiences=found,
        links=client.store.links(client.name),
        default_reminder=integration.permission_reminder,
        pairs=client.pairs,
        begun=_begun(running),
        refused=client.store.refused_list_changes(client.name),
    )
    fates, problems = _fates(running, inventory)
    if not integration.flagged:
        problems = (*problems, "setting GE203 names no list: flag lists for Mailchimp in OTYS")
    knowing = replace(
        running,
        audience_ids=frozenset(audience.id for audience in found.audiences),
        approved=client.store.approvals(client.name, running.now()),
        saved_plans=client.store.plan_digests(client.name),
    )
    return replace(inventory, fates=fates), knowing, problems


def close_intents(running: Pass, inventory: Inventory) -> None:
    """Given the inventory, close the intents of a pass that was cut off and whose end it shows."""
    if running.sink is None:
        return
    client = running.client
    linked = {link.list_uid for link in inventory.links if link.state is LinkState.LINKED}
    for intent in client.store.open_intents(client.name):
        if intent.kind is IntentKind.CREATE_AUDIENCE:
            done = intent.list_uid in linked
        else:
            done = intent.detail["audience"] not in running.audience_ids
        if done:
            client.store.settle(intent.id, result=Result.APPLIED, detail={}, now=running.now())


def _begun(running: Pass) -> Mapping[ListUid, frozenset[AudienceId]]:
    client = running.client
    return {
        intent.list_uid: frozenset(AudienceId(known) for known in intent.detail["existing"].split())
        for intent in client.store.open_intents(client.name)
        if intent.kind is IntentKind.CREATE_AUDIENCE
    }


def _fates(running: Pass, inventory: Inventory) -> tuple[Mapping[ListUid, Fate], tuple[str, ...]]:
    fates: dict[ListUid, Fate] = {}
    problems: list[str] = []
    for uid in missing_lists(inventory):
        try:
            fates[uid] = running.client.lists.fate(uid)
        except RemoteError as error:
            problems.append(f"list {uid} is missing and could not be looked up: {in_words(error)}")
    return fates, tuple(problems)
