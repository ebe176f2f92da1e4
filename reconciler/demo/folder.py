"""Knows the folder that a demo leaves behind, and that only a demo's own folder may be replaced."""

import shutil
from pathlib import Path

from reconciler.sandbox.configuration import FILE_NAME as CONFIGURATION
from reconciler.sandbox.configuration import STATE_FOLDER
from reconciler.sandbox.hold import LOCK_NAME
from reconciler.sandbox.save import FILE_NAME as WORLD

HEADLINE = "Written by `reconciler demo`, which replaces this folder when it runs again."


def require_replaceable(folder: Path) -> None:
    """Given a folder, return if a demo may use it: it is new, empty, or left by a demo.

    Raise ValueError if it is anything else.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder that does not exist yet")
    if not _is_left_by_a_demo(folder) and any(path.name != LOCK_NAME for path in folder.iterdir()):
        raise ValueError(f"{folder} was not made by the demo and is left alone; name another folder")


def clear(folder: Path) -> None:
    """Given the folder of an earlier demo, take away what that left; what others put there stays."""
    if (folder / STATE_FOLDER).exists():
        shutil.rmtree(folder / STATE_FOLDER)
    (folder / WORLD).unlink(missing_ok=True)
    # Last, because it is what tells that the folder is a demo's.
    (folder / CONFIGURATION).unlink(missing_ok=True)


def _is_left_by_a_demo(folder: Path) -> bool:
    file = folder / CONFIGURATION
    return file.is_file() and HEADLINE in file.read_text(encoding="utf-8", errors="replace")
