"""What every disaster strikes: an agency, a desk with the real program, a PostgreSQL."""

from tests.bad_input.conftest import desk, nurses
from tests.cli.conftest import folder, run
from tests.passes.conftest import acme

__all__ = ["acme", "desk", "folder", "nurses", "run"]
