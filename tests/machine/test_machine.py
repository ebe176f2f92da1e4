"""The world machine at work: see `machine` for what may happen, `invariants` and `clerk` for what must hold."""

from hypothesis import settings

from tests.machine.machine import WorldMachine
from tests.machine.profiles import stories


class TestOnTheQuickWire(WorldMachine.TestCase):
    """Every request in turn, so that a story that fails can be told again and be made shorter."""

    settings = stories(settings.get_current_profile_name())


class OverHttp(WorldMachine):
    """The same over sockets, with all threads."""

    sockets = True


class TestOverHttp(OverHttp.TestCase):
    """Few stories: what is looked for is a difference from the quick wire."""

    settings = stories(settings.get_current_profile_name(), share=0.1)
