"""What the tests of crashes start from."""

from tests.cli.conftest import folder, run
from tests.passes.conftest import acme
from tests.store.conftest import postgres

__all__ = ["acme", "folder", "postgres", "run"]
