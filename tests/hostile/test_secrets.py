"""No key is ever kept, not in the state and not in what a dying process says; nobody else reads the state."""

import signal
import stat
from pathlib import Path

from tests.bad_input.conftest import acme, desk, folder, run
from tests.bad_input.desk import Desk
from tests.passes.agency import Agency

__all__ = ["acme", "desk", "folder", "run"]

DIES = """
import faulthandler, os, signal
faulthandler.enable()
from reconciler.api.mailchimp import Mailchimp
Mailchimp.write = lambda *_, **__: os.kill(os.getpid(), signal.SIGABRT)
"""
BREAKS = """
from reconciler.api.mailchimp import Mailchimp
def broken(*_, **__): raise RuntimeError("a mistake in the program")
Mailchimp.write = broken
"""


def kept(agency: Agency) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (agency.folder / "state").rglob("*") if path.is_file()}


def keys(agency: Agency) -> list[bytes]:
    return [agency.world.otys_api_key.encode(), agency.world.mailchimp_api_key.encode()]


def test_no_key_is_in_the_state_and_nobody_else_may_read_it(desk: Desk) -> None:
    desk.agency.list("Koks", "kok@zorg.nl")
    desk.comes_to_rest()
    files = kept(desk.agency)
    assert files
    for path, content in files.items():
        assert not [key for key in keys(desk.agency) if key in content], path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE((desk.agency.folder / "state").stat().st_mode) == 0o700


def test_a_process_that_dies_in_the_middle_of_a_write_tells_no_key_and_no_address(desk: Desk) -> None:
    desk.agency.list("Koks", "kok@zorg.nl")
    # While other threads run, telling their traces may itself end in a segmentation fault.
    for code, ends in ((DIES, (-signal.SIGABRT, -signal.SIGSEGV)), (BREAKS, (1,))):
        with desk.process("once", code=code, PYTHONFAULTHANDLER="1") as running:
            out, err = running.communicate(timeout=60)
        assert running.returncode in ends, err
        for key in keys(desk.agency):
            assert key.decode() not in out + err
        assert "kok@zorg.nl" not in out + err
