"""An empty database, made once in a process: making its tables takes longer than most tests do."""

import tempfile
from functools import cache
from pathlib import Path

from reconciler.store import open_store


def lay_out(database: Path) -> str:
    """Given where a database is to be, put an empty one there and return its URL."""
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    database.touch(mode=0o600)
    database.write_bytes(_empty())
    return f"sqlite:///{database}"


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        open_store(f"sqlite:///{folder}/fresh.db").close()
        return (Path(folder) / "fresh.db").read_bytes()
