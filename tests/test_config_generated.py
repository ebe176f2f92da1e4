import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from reconciler.config import DaemonConfig, Mode
from reconciler.config.document import document
from reconciler.config.example import example
from reconciler.config.keys import Form, Key, root
from reconciler.policy import Limits, Policy
from tests.config_folder import Folder

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def keys(key: Key) -> Iterator[Key]:
    yield key
    for below in key.below:
        yield from keys(below)


def test_every_key_is_explained() -> None:
    unexplained = [
        key.name for key in keys(root()) if not key.description and key.name not in ("NAME", "clients", "")
    ]

    assert unexplained == []


def test_the_committed_example_is_what_init_writes() -> None:
    assert (ROOT / "config" / "reconciler.toml").read_text(encoding="utf-8") == example()


def test_the_committed_page_is_current() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == document()


def switched_on(text: str) -> Iterator[str]:
    """Given the example, yield its lines with every commented key and table switched on."""
    for line in text.splitlines():
        bare = line.removeprefix("# ")
        if re.match(r"\[[\w.]+\]$|\"?\w+\"? = ", bare) and "smtp_url = { env" not in bare:
            yield bare


def names(tree: object) -> Iterator[str]:
    if isinstance(tree, dict):
        for name, below in cast("dict[str, object]", tree).items():
            yield name
            yield from names(below)


def test_the_example_names_every_key() -> None:
    shown = set(names(tomllib.loads("\n".join(switched_on(example())))))

    assert {key.name for key in keys(root())} - shown == {"NAME", ""}


def test_the_example_works_with_every_line_switched_on(folder: Folder) -> None:
    tables = "\n".join(switched_on(example())).split("\n[")
    text = "\n[".join(table for table in tables if not table.startswith("clients.example.csv"))

    named = re.findall(r'env = "(\w+)"', text)
    config = folder.load(text, **{name: str(number) for number, name in enumerate(named)})

    example_client = config.clients["example"]
    assert example_client.mode is Mode.PLAN
    assert example_client.policy == Policy()
    assert example_client.limits == Limits()
    assert config.daemon == DaemonConfig()


def test_keys_know_the_form_of_what_they_hold() -> None:
    forms = {key.name: key.form for key in keys(root())}

    assert forms["token"] is Form.SECRET
    assert forms["smtp_url"] is Form.URL
    assert forms["grace_hours"] is Form.NUMBER
    assert forms["3109"] is Form.SWITCH
