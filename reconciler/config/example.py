"""Knows the example configuration that `config init` writes, complete and commented, made from the types."""

import textwrap
from collections.abc import Iterator

from reconciler.config.keys import Form, Key, root
from reconciler.config.render import plain, toml, toml_name

_WIDTH = 100
_CLIENT = "example"
_INTRODUCTION = """\
Configuration of the reconciler. Every key is here. A line that begins with "# key =" shows a
default, or an example where there is no default; remove the "#" to change it.
`reconciler config check` tells what is wrong, `reconciler config show` what is in force.
[clients.NAME] tables can also stand in files of their own, in the folder clients.d beside this file.
A secret is text in quotes, or better { env = "NAME" } or { file = "/run/secrets/name" }.
Any key can be set in the environment too: RECONCILER__DAEMON__WORKERS=8.
"""


def example() -> str:
    """Return the text of the example file."""
    lines = [*_comment(_INTRODUCTION), ""]
    for key in root().below:
        if key.form is Form.NAMED:
            lines += _table(key.below[0], (key.name, _CLIENT), active=True)
        else:
            lines += _table(key, (key.name,), active=key.default is not None)
    return "\n".join(lines).rstrip() + "\n"


def _table(key: Key, path: tuple[str, ...], *, active: bool) -> Iterator[str]:
    """Given a table, yield its lines and those of the tables below; an inactive one is commented out."""
    off = "" if active else "# "
    yield from _comment(key.description)
    yield f"{off}[{'.'.join(toml_name(name) for name in path)}]"
    yield ""
    if key.form is Form.NAMED:
        yield from _pairs(key, off)
    tables = []
    for below in key.below if key.form is Form.TABLE else ():
        if below.form in (Form.TABLE, Form.NAMED):
            tables.append(below)
        else:
            yield from _value(below, off)
    for below in tables:
        wanted = below.default is not None or below.name == "otys"
        yield from _table(below, (*path, below.name), active=active and wanted)


def _value(key: Key, off: str) -> Iterator[str]:
    yield from _comment(key.description)
    if key.choices:
        yield f"# Choose from: {', '.join(toml(choice) for choice in key.choices)}."
    off = off if key.required else "# "
    for text in key.examples or (toml(plain(key.default)),):
        yield f"{off}{toml_name(key.name)} = {text}"
        off = "# "
    yield ""


def _pairs(key: Key, off: str) -> Iterator[str]:
    if isinstance(key.default, dict):
        # not commented out: an empty table would mean no pairs at all, instead of these
        yield from (f"{off}{toml_name(name)} = {toml(value)}" for name, value in key.default.items())
    yield from (f"# {text}" for text in key.examples)
    yield ""


def _comment(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield from (f"# {part}" for part in textwrap.wrap(line, _WIDTH - 2, break_on_hyphens=False))
