"""The watch over the log can fail: a test that logs something private does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.sandbox.mailchimp.state import DEFAULT_API_KEY
from reconciler.sandbox.otys.state import DEMO_API_KEY

ROOT = Path(__file__).parents[1]
HEAD = "import pytest, structlog\nlog = structlog.get_logger()\n"


def outcome(folder: Path, body: str) -> tuple[int, str]:
    """Given the body of a test, run it under the watch; return the exit code and what was said."""
    file = folder / "test_it.py"
    file.write_text(f"{HEAD}@pytest.mark.filterwarnings('error')\ndef test_it():\n    {body}\n", "utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.log_hygiene", "-p", "no:cacheprovider", "-q", file],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout


@pytest.mark.parametrize(
    "line",
    [
        "log.info('sent', to='anna@vacature.nl')",
        "log.info('sent to anna@vacature.nl')",
        "log.bind(rows=[{'email': 'anna@vacature.nl'}]).info('nested')",
        "structlog.contextvars.bind_contextvars(who='anna@vacature.nl'); log.info('in the context')",
        f"log.debug('login', answer='{DEMO_API_KEY}')",
        f"log.info('settings', values=['{DEFAULT_API_KEY}'])",
        f"log.info('logged in', answer='{'5e' * 16}')",
    ],
)
def test_a_test_that_logs_something_private_fails(tmp_path: Path, line: str) -> None:
    code, said = outcome(tmp_path, line)

    assert code == 1
    assert "the log tells what nobody may read there" in said


def test_a_test_that_logs_what_anybody_may_read_passes(tmp_path: Path) -> None:
    line = f"log.info('request', path='/3.0/lists/a1b2c3d4e5/members/{'0' * 32}', client='acme', seconds=0.5)"

    assert outcome(tmp_path, line)[0] == 0


def test_captured_lines_are_looked_at_as_well(tmp_path: Path) -> None:
    code, _ = outcome(
        tmp_path, "with structlog.testing.capture_logs():\n        log.info('sent', to='anna@vacature.nl')"
    )

    assert code == 1
