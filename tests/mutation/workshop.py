"""A copy of the tree in which mutmut may do as it likes."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.mutation.groups import Group

ROOT = Path(__file__).parents[2]
PLUGINS = ("no:cacheprovider", "tests.mutation.telling_first", "tests.mutation.patience")
PYTEST = ("-n", "0", *(part for plugin in PLUGINS for part in ("-p", plugin)))


def set_up(group: Group, folder: Path) -> None:
    """Copy all that git knows into the folder and tell mutmut there what to mutate and what must notice."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    mutated = [f"reconciler/{module}.py" for module in group.modules]
    for name in mutated:
        source = (ROOT / name).read_text("utf-8")
        (folder / name).write_text(with_open_properties(source), "utf-8")
    keys = {
        "source_paths": ["reconciler"],
        "only_mutate": mutated,
        "also_copy": ["config", "docs"],
        "pytest_add_cli_args": PYTEST,
        "pytest_add_cli_args_test_selection": group.tests,
    }
    lines = (f"{key} =\n    " + "\n    ".join(values) for key, values in keys.items())
    (folder / "setup.cfg").write_text("[mutmut]\n" + "\n".join(lines) + "\n", "utf-8")


def with_open_properties(source: str) -> str:
    """Return the source with `x = property(x)` below what `@property` stood above.

    mutmut leaves functions with a decorator alone, and some of the weightiest rules are properties.
    """
    lines = source.splitlines()
    for method in sorted(_properties(ast.parse(source)), key=lambda found: -found.lineno):
        assert method.end_lineno is not None
        lines.insert(method.end_lineno, f"    {method.name} = property({method.name})")
        del lines[method.decorator_list[0].lineno - 1]
    return "\n".join(lines) + "\n"


def _properties(module: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef):
            named = [one.id for one in node.decorator_list if isinstance(one, ast.Name)]
            if named == ["property"]:
                yield node
