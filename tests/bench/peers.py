"""What vdirsyncer and octoDNS cost to find what changed among the same items; run by a Python that has them.

Each gets its items ready made and is asked the same: one side moved since both were in step, what is to be
done? The first says how many differ, so that nobody is quick by overlooking some.
"""

import asyncio
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Iterable

from octodns.provider.base import BaseProvider
from octodns.record import Record
from octodns.zone import Zone
from vdirsyncer.storage.memory import MemoryStorage
from vdirsyncer.sync import sync
from vdirsyncer.sync.status import SqliteStatus
from vdirsyncer.vobject import Item

from tests.bench.items import Items, Side, changed, items_of

logging.disable(logging.CRITICAL)


def main() -> None:
    """Given how many items and which share changed, write what each costs as JSON."""
    items = items_of(int(sys.argv[1]), float(sys.argv[2]))
    began = time.process_time()
    differing = changed(items)
    costs = {"dict diff": time.process_time() - began}
    costs["vdirsyncer"] = _vdirsyncer(items)
    costs["octoDNS"] = _octodns(items)
    sys.stdout.write(json.dumps({**costs, "changes": differing}))


class _Listed(MemoryStorage):  # type: ignore[misc] # it is untyped where it is not installed
    """A storage that was edited since it was last synchronised; an item's version is what stands in it."""

    def __init__(self, side: Side) -> None:
        super().__init__()
        self.items = {f"{email}.vcf": (repr(fields), _card(email, fields)) for email, fields in side.items()}

    def _get_href(self, item: Item) -> str:
        return f"{item.ident}.vcf"

    async def get_multi(self, hrefs: Iterable[str]) -> AsyncIterator[tuple[str, Item, str]]:
        for href in hrefs:
            etag, item = self.items[href]
            yield href, item, etag


def _vdirsyncer(items: Items) -> float:
    """One steady sync: its status knows both sides, one of which has changed."""
    status = SqliteStatus(":memory:")
    before, there = _Listed(items.known), _Listed(items.there)
    asyncio.run(sync(before, there, status))
    listed = _Listed(items.listed)
    for _, item in listed.items.values():
        item.hash  # noqa: B018 (worked out once and kept: it is no part of a sync)
    began = time.process_time()
    asyncio.run(sync(listed, there, status, conflict_resolution="a wins"))
    return time.process_time() - began


def _card(email: str, fields: tuple[str, str]) -> Item:
    return Item(f"BEGIN:VCARD\r\nUID:{email}\r\nFN:{fields[0]}\r\nN:{fields[1]}\r\nEND:VCARD")


class _Provider(BaseProvider):  # type: ignore[misc] # the same
    SUPPORTS_GEO = False
    SUPPORTS_DYNAMIC = False
    SUPPORTS = frozenset({"TXT"})
    log = logging.getLogger("octodns")

    def __init__(self, side: Side) -> None:
        super().__init__("bench")
        self.side = side

    def populate(self, zone: Zone, target: bool = False, lenient: bool = False) -> bool:  # noqa: FBT001, FBT002, ARG002
        _fill(zone, self.side)
        return True


def _octodns(items: Items) -> float:
    """Both zones filled and planned, as for each of its syncs: it remembers nothing in between."""
    provider = _Provider(items.there)
    began = time.process_time()
    desired = Zone("bench.test.", [])
    _fill(desired, items.listed)
    plan = provider.plan(desired)
    spent = time.process_time() - began
    if plan is None:
        raise RuntimeError("octoDNS found nothing to do")
    return spent


def _fill(zone: Zone, side: Side) -> None:
    for email, fields in side.items():
        name = email.partition("@")[0].replace(".", "-")
        data = {"type": "TXT", "ttl": 300, "value": " ".join(fields)}
        zone.add_record(Record.new(zone, name, data, lenient=True), lenient=True)


if __name__ == "__main__":
    main()
