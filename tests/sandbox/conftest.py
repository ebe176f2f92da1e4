from collections.abc import Iterator

import pytest

from tests.sandbox.mailchimp_account import Account, running_account


@pytest.fixture
def account() -> Iterator[Account]:
    with running_account() as account:
        yield account
