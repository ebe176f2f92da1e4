"""Runs the quickest tests first: the first one that fails has found the mutant out."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_is_slow)


def _is_slow(item: pytest.Item) -> bool:
    return item.get_closest_marker("hypothesis") is not None or item.nodeid.startswith("tests/passes/")
