"""Runs the world machine for as long as SOAK_STORIES says, and tells how many steps broke no promise.

A story that fails is kept in .hypothesis: the next run of any profile begins with it.
"""

import os
import sys
import time

import pytest


def main() -> int:
    """Return pytest's exit code."""
    os.environ["HYPOTHESIS_PROFILE"] = "soak"
    began = time.monotonic()
    failed = pytest.main(["-n", "0", "-q", "-p", "no:randomly", "tests/machine/test_machine.py"])
    from tests.machine.machine import STEPS  # noqa: PLC0415 - counted in the modules that pytest imported

    hours = (time.monotonic() - began) / 3600
    sys.stdout.write(
        f"{STEPS['run']:,} steps in {hours:.2f} hours, {STEPS['spared']:,} lists left unread"
        + (", the last one broke a promise\n" if failed else ", all clean\n")
    )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
