"""Knows this process apart from every other, and whether another one on this machine is gone."""

import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_START_TIME = 19
"""The place of the start time in /proc/PID/stat, counted after the command's name (proc(5))."""


def this_process() -> str:
    """Return what names this process for ever: the machine's boot, its process numbers, number and start.

    Empty where the system does not tell, as anywhere but on Linux.
    """
    return _named(os.getpid())


def is_gone(name: str) -> bool:
    """Given what `this_process` returned elsewhere, return whether that process is known to have ended.

    False whenever it cannot be known: another machine, another container, another system.
    """
    here = this_process().rpartition("/")[0].rpartition("/")[0]
    machine, _, _ = name.rpartition("/")[0].rpartition("/")
    if not here or machine != here:
        return False
    number = int(name.split("/")[-2])
    return _named(number) != name


def _named(number: int) -> str:
    try:
        boot = _BOOT.read_text("ascii").strip()
        namespace = _NAMESPACE.readlink()
        stat = Path(f"/proc/{number}/stat").read_text("utf-8", errors="replace")
    except OSError:
        return ""
    state, *_ = after_name = stat.rpartition(")")[2].split()
    if state in ("Z", "X"):  # ended, and only its parent has not noticed
        return ""
    return f"{boot}/{namespace}/{number}/{after_name[_START_TIME]}"
