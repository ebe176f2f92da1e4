"""What every test runs under: a watch over the log, and the profile that HYPOTHESIS_PROFILE names.

`dev` is quick and `ci` looks further, always at the same examples: whoever changed nothing sees no failure.
`soak` looks for new ones for hours (`make soak`); `mutants` looks at few, for each of thousands of mutants
(`make mutants`).
"""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import Phase, settings

from reconciler.api import rate

pytest_plugins = ["tests.log_hygiene"]

settings.register_profile("dev", max_examples=40, deadline=None, derandomize=True)
settings.register_profile("ci", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("soak", max_examples=5_000, deadline=None)
settings.register_profile(
    "mutants",
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: some tests wait for a process or for a service that hangs."""
    return (os.cpu_count() or 1) + 1


# A traceback with the value of everything in sight takes seconds to draw, for each defect that a test makes.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback


@pytest.fixture(autouse=True)
def _log_as_if_no_command_ran_before() -> Iterator[None]:
    """A command sets up the log for its process; the next test of the same process must not notice."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _key_that_nobody_used_before() -> Iterator[None]:
    """A process counts the requests of each key; the next test of the same process must not wait for them."""
    yield
    rate._allowances.clear()
