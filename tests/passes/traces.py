"""Looks for what should not be left of a person in files, packed or not, and in what the store packs."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from reconciler.store import Store


def files_that_hold(folder: Path, *texts: str) -> set[str]:
    """Given a folder, return which files in it hold one of the texts, packed or not."""
    found = set()
    for path in (one for one in folder.rglob("*") if one.is_file()):
        content = path.read_bytes()
        content += gzip.decompress(content) if path.suffix == ".gz" else b""
        if any(text.encode() in content for text in texts):
            found.add(path.name)
    return found


def kept_bodies(store: Store) -> Iterator[bytes]:
    """Yield every kept plan and snapshot: what is compressed hides an address from a search, and tells it."""
    passes = store.passes("acme", limit=99)
    for one in passes:
        yield from map(zlib.decompress, store.plan_bodies("acme", one.id).values())
    for uid in store.snapshot_lists("acme"):
        for one in passes:
            for kept in store.snapshot_bodies("acme", uid, one.id):
                if not kept.unseen:
                    yield zlib.decompress(kept.body.data[17:])
