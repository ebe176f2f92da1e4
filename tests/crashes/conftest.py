"""What the tests of lost answers start from."""

from tests.passes.conftest import acme

__all__ = ["acme"]
