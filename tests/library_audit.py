"""Asks a public list of known weaknesses about every library that is installed with the program.

`make security` runs it. Where no such list can be reached it says so in one line and fails nothing; a known
weakness fails.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
AUDIT = (
    *("-m", "pip_audit", "--requirement", "requirements-runtime.lock", "--disable-pip", "--no-deps"),
    *("--vulnerability-service", "osv", "--format", "json", "--progress-spinner", "off", "--timeout", "15"),
)
NOT_AUDITED = "The libraries were not audited: no list of known weaknesses can be reached from here."


class Weakness(msgspec.Struct, frozen=True):
    """One entry of the list."""

    id: str
    fix_versions: tuple[str, ...] = ()


class Library(msgspec.Struct, frozen=True):
    """What is known about one library."""

    name: str
    version: str = ""
    vulns: tuple[Weakness, ...] = ()
    skip_reason: str = ""


class Audit(msgspec.Struct, frozen=True):
    """What pip-audit prints."""

    dependencies: tuple[Library, ...]


def audited(python: Sequence[str] = (sys.executable, *AUDIT)) -> Audit | None:
    """Given how pip-audit is started, return what it found; None when it could ask nobody."""
    ended = subprocess.run(python, cwd=ROOT, capture_output=True, check=False)
    try:
        return msgspec.json.decode(ended.stdout, type=Audit)
    except msgspec.DecodeError:
        return None


def verdict(audit: Audit | None) -> tuple[int, str]:
    """Given an audit, return the exit code and what to say."""
    asked = [one for one in audit.dependencies if not one.skip_reason] if audit else []
    if not asked:
        return 0, NOT_AUDITED
    weak = [
        f"{one.name} {one.version}: {weakness.id}, corrected in {', '.join(weakness.fix_versions) or 'none'}"
        for one in asked
        for weakness in one.vulns
    ]
    if weak:
        return 1, "\n".join(["Known weaknesses; raise these libraries with `make lock`:", *weak])
    return 0, f"{len(asked)} libraries have no known weakness."


if __name__ == "__main__":
    code, said = verdict(audited())
    sys.stdout.write(f"{said}\n")
    sys.exit(code)
