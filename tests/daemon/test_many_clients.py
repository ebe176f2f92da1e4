"""Other agencies' trouble is no reason to wait, even if they are more than there are slots."""

import signal
from pathlib import Path

from reconciler.daemon.slots import SLOTS
from tests.daemon.crowd import crowd


def test_clients_that_hang_are_rejected_or_throttled_hold_up_nobody(tmp_path: Path) -> None:
    with (
        crowd(tmp_path, good=24, hanging=SLOTS + 1, rejected=2, throttled=2) as many,
        many.daemon("every 9 hours") as daemon,
    ):
        for name in many.good:
            daemon.wait_for("pass_ended", client=name, result="done")
        daemon.send(signal.SIGUSR1)
        for name in many.good:
            daemon.wait_for("pass_ended", 2, client=name, result="done")
        ended = {line["client"] for line in daemon.lines if line["event"] == "pass_ended"}
        daemon.send(signal.SIGTERM)
        code = daemon.ended()

    assert ended.isdisjoint(many.hanging), "they hung all the while"
    assert ended >= set(many.rejected)
    assert code == 0
