"""Runs `reconciler` as an operator does: in a folder of its own, with an environment of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli import main
from tests.cli.office import Office, open_office


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the empty folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs one command line with the given environment variables added."""
    assert folder.is_dir()

    def run_command(*arguments: str, **environ: str) -> Ended:
        with monkeypatch.context() as patched:
            patched.delenv("RECONCILER_CONFIG", raising=False)
            for name, value in environ.items():
                patched.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main(arguments)
        shown = capsys.readouterr()
        return Ended(int(ended.value.code or 0), shown.out, shown.err)

    return run_command


@pytest.fixture
def office(folder: Path) -> Iterator[Office]:
    """Yield an office in that folder: both services running with nothing in them, one client, `acme`."""
    with open_office(folder) as opened:
        yield opened
