"""Ends a mutant that makes a test hang, long before mutmut would: that allows for every test to hang."""

import os
import signal
from collections.abc import Iterator

import pytest

SECONDS = 20.0
"""Many times as long as any of the tests takes, on a machine that is busy with other things."""
TIMED_OUT = 36
"""What a process exits with, for mutmut, if its mutant took too long."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    if "__mutmut_" in os.environ.get("MUTANT_UNDER_TEST", ""):
        signal.signal(signal.SIGALRM, lambda *_: os._exit(TIMED_OUT))
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
    return (yield)
