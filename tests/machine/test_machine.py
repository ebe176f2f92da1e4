"""The world machine at work: `machine` says what may happen, `invariants` and `clerk` what must hold."""

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.machine import CHOICES, WorldMachine
from tests.machine.profiles import stories


class OverHttp(WorldMachine):
    """The same over sockets, with all threads."""

    sockets = True


def test_no_promise_is_broken_whatever_happens_in_the_world() -> None:
    run_state_machine_as_test(WorldMachine, settings=stories(settings.get_current_profile_name()))


def test_no_promise_is_broken_over_real_sockets_either() -> None:
    few = stories(settings.get_current_profile_name(), share=0.1)
    run_state_machine_as_test(OverHttp, settings=few)


def test_a_no_outlives_its_audience_and_the_database_that_knew_it() -> None:
    """Chance seldom tells this story, in which only the log of nos keeps anybody from being subscribed."""
    machine = WorldMachine()
    try:
        machine.begin(lenient=True, honest=False, patience=5)
        machine.choose_policy("audience_gone", CHOICES["audience_gone"].index("recreate"))
        machine.back_up()
        machine.say_no(0, "unsubscribe")
        machine.run_pass()
        machine.delete_audience(0)
        machine.put_old_backup_back()
        machine.run_pass()
        assert len(machine.audiences()) == 1
    finally:
        machine.teardown()
