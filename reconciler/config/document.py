"""Knows the page docs/configuration.md, which it makes from the types.

`python -m reconciler.config.document` prints it.
"""

import sys
from collections.abc import Iterator

from reconciler.config.environment import PREFIX
from reconciler.config.files import CLIENTS_FOLDER
from reconciler.config.keys import Form, Key, root
from reconciler.config.load import DEFAULT_PATH
from reconciler.config.render import plain, toml, toml_name

_INTRODUCTION = f"""\
# Configuration

This page is made from the types in `reconciler/config/`: change it there, and run `python -m
reconciler.config.document > docs/configuration.md`.

## Where it is

The configuration is one TOML file: `--config FILE`, else the environment variable `RECONCILER_CONFIG`,
else `{DEFAULT_PATH}` in the current folder. Relative paths in it start from the current folder.

More clients can stand in the folder `{CLIENTS_FOLDER}` beside that file, such as
`{DEFAULT_PATH.parent}/{CLIENTS_FOLDER}/acme.toml`: one file for a client, or for several. Every file there
that ends in `.toml` and does not begin with a dot is read, and holds only `[clients.NAME]` tables, just as
the main file would. A client has one file; to take it out for a while, give that file another ending. A
mistake in any file is told with the file's name, and none of them is followed until it is corrected.

- `reconciler config init` writes a complete, commented example, readable only by its owner.
- `reconciler config check` tells every problem at once and exits with 2 when there is one.
- `reconciler config show` prints what is in force and where each value comes from, secrets masked.

## The environment

Any key can be overridden by an environment variable: `{PREFIX}`, then the names of the tables and the
key with `__` between them; capitals or not makes no difference, and `-` is written as `_`.

```sh
{PREFIX}DAEMON__WORKERS=8
{PREFIX}CLIENTS__AGENCY__MODE=apply
{PREFIX}CLIENTS__AGENCY__OTYS__API_KEY=…
{PREFIX}CLIENTS__AGENCY__NOTIFY__TO=ann@agency.example,bob@agency.example
```

A list is written with commas, or as TOML. A whole table is written as a TOML inline table. A variable
that names no key is a problem, not ignored.

## Secrets

A key marked *secret* is one of

```toml
api_key = {{ env = "NAME" }}                # an environment variable
api_key = {{ file = "/run/secrets/name" }}  # a file; the line break at its end does not count
api_key = "text"                          # in the file itself: works, with a warning
```

A secret is always text, also when it looks like a number. It is read when it is needed, so a file can be
renewed while the daemon runs. No command, log line or error shows it.

## Keys

A name in capitals in a heading, such as `NAME`, is yours to choose.
"""


def document() -> str:
    """Return the text of the page."""
    lines = [_INTRODUCTION]
    for key in root().below:
        if key.form is Form.NAMED:
            lines += _section(key.below[0], (key.name, "NAME"))
        else:
            lines += _section(key, (key.name,))
    return "\n".join(lines).rstrip() + "\n"


def _section(key: Key, path: tuple[str, ...]) -> Iterator[str]:
    yield f"### `[{'.'.join(path)}]`\n"
    yield f"{key.description}\n"
    if key.form is Form.NAMED:
        yield from _pairs(key)
        return
    rows = [below for below in key.below if below.form not in (Form.TABLE, Form.NAMED)]
    if rows:
        yield "| key | value | default | meaning |"
        yield "| --- | --- | --- | --- |"
        yield from (_row(below) for below in rows)
        yield ""
    for below in key.below:
        if below not in rows:
            yield from _section(below, (*path, below.name))


def _row(key: Key) -> str:
    values = " or ".join(f"`{toml(choice)}`" for choice in key.choices) or key.form.value
    meaning = " ".join(key.description.split())
    return " | ".join(("| `" + toml_name(key.name) + "`", values, _default(key), _cell(meaning) + " |"))


def _default(key: Key) -> str:
    if key.required:
        return "**required**"
    return "none" if key.default is None else _cell(f"`{toml(plain(key.default))}`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _pairs(key: Key) -> Iterator[str]:
    yield "```toml"
    if isinstance(key.default, dict):
        yield from (f"{toml_name(name)} = {toml(value)}" for name, value in key.default.items())
    yield from key.examples
    yield "```\n"


if __name__ == "__main__":
    sys.stdout.write(document())
