"""The world machine at work: `machine` says what may happen, `invariants` and `clerk` what must hold."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import WorldMachine
from tests.machine.profiles import stories


class OverHttp(WorldMachine):
    """The same over sockets, with all threads."""

    sockets = True


def test_no_promise_is_broken_whatever_happens_in_the_world() -> None:
    run_state_machine_as_test(WorldMachine, settings=stories(settings.get_current_profile_name()))


def test_no_promise_is_broken_over_real_sockets_either() -> None:
    few = stories(settings.get_current_profile_name(), share=0.1)
    run_state_machine_as_test(OverHttp, settings=few)
