"""Whole passes with PostgreSQL as the database: the same as with a file. Killed ones: `tests/crashes`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from reconciler.store import open_store
from tests.crashes import day
from tests.passes import test_erase, test_release, test_restore, test_undo
from tests.passes.agency import Agency, agency
from tests.store.postgres import Server, shared_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    own = tmp_path_factory.getbasetemp()
    with shared_server(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) as running:
        yield running


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    with server.database(f"passes_{uuid4().hex}") as url:
        yield url


def test_passes_do_their_work_and_come_to_rest(database: str, tmp_path: Path) -> None:
    with agency(tmp_path, database=database) as acme:
        day.yesterday(acme)
        day.today(acme)

        report = acme.once()

        assert report.result == "withheld"
        assert acme.writes_of(acme.once) == []
        reached = {audience.name: audience for audience in acme.world.mailchimp.audiences.values()}
        assert {
            name: {one.email_address: str(one.status) for one in audience.contacts.values()}
            for name, audience in reached.items()
        } == day.OWED
    with open_store(database) as store:
        assert [one.result for one in store.passes("acme")] == ["withheld"] * 3 + ["done"]


@pytest.mark.parametrize(
    "scenario",
    [
        test_undo.test_an_undone_pass_leaves_the_audience_as_it_was_and_no_pass_does_it_again,
        test_undo.test_who_said_no_since_then_is_not_brought_back,
        test_release.test_who_was_taken_out_in_mailchimp_is_added_again_after_a_release,
        test_release.test_a_no_that_follows_the_person_is_released_with_the_new_address,
        test_erase.test_erased_for_good_is_gone_from_the_audience_and_never_comes_back,
        test_erase.test_other_people_at_other_addresses_keep_what_is_remembered_of_them,
        test_restore.test_who_said_no_since_the_backup_does_not_come_back_by_address_or_by_person,
        test_restore.test_a_list_that_comes_back_under_its_uid_gets_the_restored_audience,
    ],
)
def test_what_an_operator_does_is_done_as_with_a_file(
    database: str, tmp_path: Path, scenario: Callable[[Agency], None]
) -> None:
    with agency(tmp_path, database=database) as acme:
        scenario(acme)
