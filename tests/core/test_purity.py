"""The core decides and nothing else: it can reach no file, network, database, clock or log."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = (
    "address",
    "changes",
    "diff",
    "effort",
    "errors",
    "fields",
    "fingerprint",
    "guard",
    "linking",
    "pairing",
    "listing",
    "model",
    "newest",
    "observe",
    "plan",
    "policy",
    "snapshot_entries",
    "quiet",
    "snapshots",
    "trust",
)

ALLOWED = frozenset(
    {
        # the standard library, as far as it only computes
        "collections",
        "dataclasses",
        "datetime",
        "enum",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "re",
        "string",
        "typing",
        "unicodedata",
        "zlib",
        # libraries that only compute, as they are called here
        "email_validator",
        "msgspec",
    }
)
"""A list of what may be, so that nothing new slips through: whatever does I/O is missing from it."""

FORBIDDEN_CALLS = frozenset(
    {"open", "print", "input", "exec", "eval", "__import__", "now", "utcnow", "today"}
)


def source_of(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    assert spec is not None, f"{module} does not exist"
    assert spec.origin is not None, f"{module} is no file"
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def imported(module: str) -> Iterator[str]:
    """Every module that a module imports, anywhere in it."""
    for node in ast.walk(source_of(module)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(level=0, module=str(name), names=names):
                yield from (_submodule(name, alias.name) or name for alias in names)
            case ast.ImportFrom(level=level) if level:
                raise AssertionError(f"{module} has a relative import, which this test does not follow")
            case _:
                pass


def _submodule(package: str, name: str) -> str:
    """`from reconciler import model` imports a module, `from reconciler.model import Change` does not."""
    if not package.startswith("reconciler") or package.count("."):
        return ""
    found = importlib.util.find_spec(f"{package}.{name}")
    return "" if found is None else found.name


def reached_from(module: str) -> dict[str, str]:
    """Every module reached, with the module of ours that imports it."""
    reached: dict[str, str] = {}
    waiting = [module]
    while waiting:
        importer = waiting.pop()
        for name in imported(importer):
            if name not in reached:
                reached[name] = importer
                if name.split(".")[0] == "reconciler":
                    waiting.append(name)
    return reached


@pytest.mark.parametrize("name", CORE)
def test_the_core_reaches_only_the_core_and_what_computes(name: str) -> None:
    core = {f"reconciler.{module}" for module in CORE}

    strangers = {
        module: importer
        for module, importer in reached_from(f"reconciler.{name}").items()
        if module not in core and module.split(".")[0] not in ALLOWED
    }

    assert strangers == {}


@pytest.mark.parametrize("name", CORE)
def test_the_core_opens_no_file_and_asks_no_clock(name: str) -> None:
    called = {
        getattr(node.func, "id", getattr(node.func, "attr", ""))
        for node in ast.walk(source_of(f"reconciler.{name}"))
        if isinstance(node, ast.Call)
    }

    assert not called & FORBIDDEN_CALLS


def test_the_walk_follows_imports_through_other_modules() -> None:
    reached = reached_from("reconciler.guard")

    assert reached["email_validator"] == "reconciler.address"


def test_an_impure_module_would_be_noticed() -> None:
    reached = {name.split(".")[0] for name in reached_from("reconciler.api.http")}

    assert "requests" in reached - ALLOWED
