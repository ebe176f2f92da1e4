"""Runs the quickest tests first: the first one that fails has found the mutant out."""

import pytest

_SLOW = ("tests/passes/", "tests/core/test_laws.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.nodeid.startswith(_SLOW))
