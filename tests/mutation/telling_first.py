"""Runs the tests first that are likely to find the mutant out, as the first one that fails ends its run.

Mutants of one function are mostly found out by the same tests, and quick tests cost little to ask.
"""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

FOUND_OUT = Path("found_out.txt")
"""A line for each mutant that a test found out: the function and the test. It lies beside the mutants."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_least_telling())


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and _function():
        with FOUND_OUT.open("a", encoding="utf-8") as found_out:
            found_out.write(f"{_function()} {report.nodeid}\n")


def _function() -> str:
    """Return the function whose mutant is tried in this process, or nothing."""
    return os.environ.get("MUTANT_UNDER_TEST", "").rpartition("__mutmut_")[0]


def _least_telling() -> Callable[[pytest.Item], tuple[bool, int, int]]:
    told, told_here = Counter[str](), Counter[str]()
    for line in FOUND_OUT.read_text("utf-8").splitlines() if FOUND_OUT.exists() else ():
        function, _, test = line.partition(" ")
        told[test] += 1
        told_here[test] += function == _function()
    return lambda item: (_is_slow(item), -told_here[item.nodeid], -told[item.nodeid])


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("hypothesis") is not None or item.nodeid.startswith("tests/passes/")
