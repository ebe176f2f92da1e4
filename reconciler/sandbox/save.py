"""Knows how a world and its clock are kept in a folder, as one compressed JSON file."""

import gzip
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.world import World

FILE_NAME = "world.json.gz"
FORMAT = 1


class SavedWorld(msgspec.Struct, kw_only=True):
    """What the file holds."""

    format: int = FORMAT
    world: World
    clock_offset: timedelta = timedelta(0)
    clock_frozen_at: datetime | None = None

    def clock(self) -> SandboxClock:
        """Given nothing, return a clock that goes on where the saved one was."""
        return SandboxClock(offset=self.clock_offset, frozen_at=self.clock_frozen_at)


def save_world(folder: Path, world: World, clock: SandboxClock) -> Path:
    """Given a folder, write the world into it and return the file; the old one stays until then."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = SavedWorld(world=world, clock_offset=clock.offset, clock_frozen_at=clock.frozen_at)
    target = folder / FILE_NAME
    unfinished = target.with_suffix(".tmp")
    unfinished.write_bytes(gzip.compress(msgspec.json.encode(saved), compresslevel=1, mtime=0))
    unfinished.replace(target)
    return target


def has_world(folder: Path) -> bool:
    """Given a folder, return whether a world was saved in it."""
    return (folder / FILE_NAME).is_file()


def load_world(folder: Path) -> SavedWorld:
    """Given a folder, return the world saved in it. Raise ValueError if there is none to read."""
    source = folder / FILE_NAME
    try:
        saved = msgspec.json.decode(gzip.decompress(source.read_bytes()), type=SavedWorld)
    except FileNotFoundError as error:
        raise ValueError(f"{folder} holds no sandbox world ({FILE_NAME} is missing)") from error
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise ValueError(f"{source} is not a sandbox world: {error}; delete it to start a new one") from error
    if saved.format != FORMAT:
        raise ValueError(f"{source} has format {saved.format}, this sandbox reads {FORMAT}; delete it")
    return saved
