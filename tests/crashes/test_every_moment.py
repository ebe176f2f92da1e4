"""A pass that is killed at any of its moments: the next one puts everything right, and I1 to I10 hold.

All the other moments, two deaths in a row and several threads at a time: `make crashes`.
"""

from pathlib import Path

import pytest

from tests.crashes.checks import broken_promises, remembered
from tests.crashes.death import lasting
from tests.crashes.harness import open_house

SHARES = 4
EVERY = 3
"""Of the moments that leave a new trace, each run of the suite takes every third."""
FEWEST_MOMENTS = 60


@pytest.mark.parametrize("share", range(SHARES))
def test_killed_at_any_moment_nothing_is_lost_and_nobody_is_mailed_who_said_no(
    share: int, tmp_path: Path
) -> None:
    with open_house(tmp_path) as house:
        whole = house.day()
        undisturbed = remembered(house.acme.store)
        assert broken_promises(whole, undisturbed) == []
        moments = lasting(whole.moments)
        assert len(moments) > FEWEST_MOMENTS
        broken = {
            f"{moment}, {whole.moments[moment]}": promises
            for moment in moments[share * EVERY :: SHARES * EVERY]
            if (promises := broken_promises(house.day(moment), undisturbed))
        }
        assert broken == {}
