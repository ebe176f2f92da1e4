"""Every fault of the sandbox, alone and mixed, while people edit on both sides. Thousands: `make storm`."""

from pathlib import Path

import pytest

from reconciler.client import Unwatched
from reconciler.config import load_config
from reconciler.model import PassResult
from reconciler.reconcile import make_plan
from reconciler.sandbox.faults import FaultKind
from reconciler.wiring import open_client
from tests.passes.agency import agency
from tests.storm.patience import Patience, limits_kept_by
from tests.storm.storm import OTYS_REQUESTS_A_MINUTE, storm
from tests.storm.weather import EVERY_KIND, Weather

MANY_LISTS = 400


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_all_faults_together_break_no_promise(share: float, tmp_path: Path) -> None:
    with storm(tmp_path, Weather(EVERY_KIND, share), seed=int(share * 100)) as blowing:
        blowing.blow(passes=8)
        assert blowing.broken == []
        assert blowing.deeds


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_a_fault_that_strikes_every_second_request_breaks_no_promise(kind: FaultKind, tmp_path: Path) -> None:
    with storm(tmp_path, Weather([kind], 0.5), seed=1) as blowing:
        blowing.blow(passes=2)
        assert blowing.broken == []


def test_a_pass_over_many_lists_stays_below_the_limit_of_otys(tmp_path: Path) -> None:
    with agency(tmp_path) as acme, limits_kept_by(acme.sandbox.clock):
        acme.world.otys.switches.requests_a_minute = OTYS_REQUESTS_A_MINUTE
        acme.world.mailchimp.max_audiences = -1
        for number in range(MANY_LISTS):
            acme.list(f"Lijst {number}")
        patience = Patience(acme.sandbox.clock)
        config = load_config(acme.write_config(), {})
        with open_client(
            "acme", config, acme.store, Unwatched(), plan_only=True, now=lambda: acme.now, stop=patience
        ) as client:
            assert make_plan(client).result is PassResult.PLANNED
        summary = acme.sandbox.log_summary()
        assert summary.requests > MANY_LISTS
        assert 200 < summary.most_otys_requests_a_minute <= OTYS_REQUESTS_A_MINUTE
        assert set(summary.by_status["otys"]) == {"200"}
