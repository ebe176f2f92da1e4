"""The first look of a pass: which lists, audiences and links there are, both services side by side."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from reconciler.deletion import settle_deletion
from reconciler.errors import RemoteError, in_words
from reconciler.linking import missing_lists
from reconciler.model import AudienceId, Fate, Integration, Link, LinkState, ListUid, Result
from reconciler.pairing import Begun, Inventory
from reconciler.running import Pass
from reconciler.shortcuts import catalogue_of
from reconciler.store import Intent, IntentKind
from reconciler.threads import threads

NOT_DONE = "not done"
_CREATIONS = (IntentKind.CREATE_AUDIENCE, IntentKind.RESTORE_AUDIENCE)


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
        refused=client.store.refused_list_changes(client.name, now=client.now()),
        unanswered=client.store.unanswered(client.name),
    )
    fates, problems = _fates(running, inventory)
    if not integration.flagged:
        problems = (*problems, "setting GE203 names no list: flag lists for Mailchimp in OTYS")
    knowing = replace(
        running,
        audience_ids=frozenset(audience.id for audience in found.audiences),
        approved=client.store.approvals(client.name, running.now()),
        saved_plans=client.store.plan_digests(client.name),
        cut_off=_cut_off(running),
        catalogue=catalogue_of(running),
    )
    return replace(inventory, fates=fates), knowing, problems


def close_intents(running: Pass, inventory: Inventory) -> Inventory:
    """Given the inventory, close the intents of a pass that was cut off and whose end it shows.

    Return the inventory with the links as they stand then.
    """
    if running.sink is None:
        return inventory
    client = running.client
    links = {link.list_uid: link for link in inventory.links}
    for intent in client.store.open_intents(client.name):
        link = links.get(intent.list_uid)
        if intent.kind in _CREATIONS and link is not None and _is_there(running, link):
            client.store.settle(intent.id, result=Result.APPLIED, detail={}, now=running.now())
        elif intent.kind is IntentKind.DELETE_AUDIENCE and link is not None:
            _close_deletion(running, inventory, intent, link)
    return replace(inventory, links=client.store.links(client.name))


def _is_there(running: Pass, link: Link) -> bool:
    """The link of a list whose audience is being created anew still names the one that is gone."""
    return link.state is LinkState.LINKED and link.audience_id in running.audience_ids


def _close_deletion(running: Pass, inventory: Inventory, intent: Intent, link: Link) -> None:
    if not inventory.audiences.tally.complete:
        return
    if intent.detail["audience"] in running.audience_ids or intent.detail["audience"] != link.audience_id:
        running.client.store.settle(intent.id, result=NOT_DONE, detail={}, now=running.now())
    else:
        settle_deletion(running, intent, link)


def _cut_off(running: Pass) -> Mapping[ListUid, tuple[Intent, ...]]:
    found: defaultdict[ListUid, tuple[Intent, ...]] = defaultdict(tuple)
    for intent in running.client.store.open_intents(running.client.name):
        if intent.kind is IntentKind.APPLY:
            found[intent.list_uid] += (intent,)
    return found


def _begun(running: Pass) -> Mapping[ListUid, Begun]:
    client = running.client
    return {
        intent.list_uid: Begun(
            name=intent.detail["name"],
            existing=frozenset(AudienceId(known) for known in intent.detail["existing"].split()),
        )
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
