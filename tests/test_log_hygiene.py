"""The watch over the log can fail: a test that logs something private does."""

import os
import subprocess
import sys
from pathlib import Path

from reconciler.sandbox.mailchimp.state import DEFAULT_API_KEY
from reconciler.sandbox.otys.state import DEMO_API_KEY

ROOT = Path(__file__).parents[1]
HEAD = "import pytest, structlog\nlog = structlog.get_logger()\n"

PRIVATE = {
    "an_address": "log.info('sent', to='anna@vacature.nl')",
    "an_address_in_words": "log.info('sent to anna@vacature.nl')",
    "an_address_deep_inside": "log.bind(rows=[{'email': 'anna@vacature.nl'}]).info('nested')",
    "an_address_in_the_context": (
        "with structlog.contextvars.bound_contextvars(who='anna@vacature.nl'):\n        log.info('with it')"
    ),
    "a_key_of_otys": f"log.debug('login', answer='{DEMO_API_KEY}')",
    "a_key_of_mailchimp": f"log.info('settings', values=['{DEFAULT_API_KEY}'])",
    "a_session": f"log.info('logged in', answer='{'5e' * 16}')",
    "what_is_captured": (
        "with structlog.testing.capture_logs():\n        log.info('sent', to='anna@vacature.nl')"
    ),
}
PUBLIC = {
    "what_anybody_may_read": (
        f"log.info('request', path='/3.0/lists/a1b2c3d4e5/members/{'0' * 32}', client='acme', seconds=0.5)"
    )
}


def test_exactly_the_tests_that_log_something_private_fail(tmp_path: Path) -> None:
    tests = [
        f"@pytest.mark.filterwarnings('error')\ndef test_{name}():\n    {body}\n"
        for name, body in {**PRIVATE, **PUBLIC}.items()
    ]
    file = tmp_path / "test_it.py"
    file.write_text(HEAD + "\n".join(tests), "utf-8")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.log_hygiene", "-p", "no:cacheprovider", "-rA", file],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    said = ended.stdout.splitlines()

    refused = {
        line.split("::test_")[1].partition(" ")[0] for line in said if line.startswith(("FAILED", "ERROR"))
    }
    assert refused == set(PRIVATE)
    assert ended.stdout.count("the log tells what nobody may read there") >= len(PRIVATE)
    assert ended.returncode == 1
