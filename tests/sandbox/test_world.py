import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.sandbox import Sandbox, World, run_sandbox
from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.mailchimp import Status
from reconciler.sandbox.otys import Kind, MailingList
from reconciler.sandbox.save import FILE_NAME, load_world, save_world
from reconciler.sandbox.worlds.demo import ADOPTED_LIST, BIG_LIST, EMPTY_LIST, LIST_OF_501
from reconciler.sandbox.worlds.people import UNKNOWN_KIND

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo() -> World:
    return World.demo()


def addresses(world: World, mailing_list: MailingList) -> list[str]:
    return [world.otys.address_of(row) for row in mailing_list.recipients.values()]


def named(world: World, name: str) -> MailingList:
    return next(row for row in world.otys.lists.values() if row.name == name)


@pytest.mark.parametrize("name", ["small", "empty"])
def test_the_same_seed_gives_the_same_world(name: str) -> None:
    assert World.named(name, 5) == World.named(name, 5)


def test_another_seed_gives_another_world() -> None:
    assert World.small(1).otys.entities != World.small(2).otys.entities


def test_the_demo_is_the_same_for_the_same_seed(demo: World) -> None:
    assert World.demo() == demo
    assert World.demo(2).otys.entities != demo.otys.entities


def test_an_unknown_world_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match="small, demo, empty"):
        World.named("large")


@pytest.mark.parametrize("name", ["small", "demo", "empty"])
def test_the_integration_is_switched_on_with_the_key_that_opens_the_account(name: str) -> None:
    world = World.named(name)

    assert world.otys.settings["SE3109"] == "1"
    assert world.otys.settings["SE3111"] == world.mailchimp_api_key
    assert world.mailchimp_api_key in world.mailchimp.api_keys
    assert world.otys.settings["SE3110"]
    assert world.otys.settings["SE3121"]


def test_the_small_world_has_six_lists_five_selected_and_under_200_recipients() -> None:
    world = World.small()

    assert len(world.otys.lists) == 6
    assert len(world.otys.flagged()) == 5
    assert sum(len(row.recipients) for row in world.otys.lists.values()) < 200
    assert world.mailchimp.audiences == {}


def test_the_demo_has_hundreds_of_lists_and_24_selected(demo: World) -> None:
    flagged = [demo.otys.lists[uid] for uid in demo.otys.flagged()]
    sizes = {row.name: len(row.recipients) for row in flagged}

    assert len(demo.otys.lists) > 200
    assert len(flagged) == 24
    assert (sizes[BIG_LIST], sizes[LIST_OF_501], sizes[EMPTY_LIST]) == (15_000, 501, 0)
    assert all(row.mailchimp for row in flagged)
    others = [
        len(row.recipients) for row in demo.otys.lists.values() if row.name not in (BIG_LIST, LIST_OF_501)
    ]
    assert max(others) <= 60 + 1


def test_the_demo_has_names_that_repeat_and_names_of_every_shape(demo: World) -> None:
    names = Counter(row.name for row in demo.otys.lists.values())

    assert names["123"] == 3
    assert names["Nieuwsbrief kandidaten"] == 2
    assert any("🎄" in name and '"' in name for name in names)
    assert any(len(name) > 200 for name in names)


def test_the_demo_has_recipients_of_every_kind_and_one_nobody_foresaw(demo: World) -> None:
    kinds = {row.kind for row in demo.otys.recipients_of(None)}

    assert kinds == {*Kind, UNKNOWN_KIND}


def test_the_big_list_has_shared_and_invalid_addresses_and_a_name_of_300_characters(demo: World) -> None:
    listed = addresses(demo, named(demo, BIG_LIST))
    shared = [
        address for address, count in Counter(one.strip().lower() for one in listed).items() if count > 1
    ]

    assert any(address.startswith("info@") for address in shared)
    assert any(" " in address.strip() for address in listed)
    assert "" in listed
    names = [entity.last_name for entity in demo.otys.entities[Kind.CANDIDATE].values()]
    assert max(len(name) for name in names) == 300


def test_the_list_of_501_has_501_different_usable_addresses(demo: World) -> None:
    listed = addresses(demo, named(demo, LIST_OF_501))

    assert len(set(listed)) == 501
    assert all(re.fullmatch(r"[a-z0-9.-]+@[a-z-]+\.(nl|net)", address) for address in listed)


def test_nobody_has_opted_out_at_first(demo: World) -> None:
    assert not any(one.opted_out for people in demo.otys.entities.values() for one in people.values())


def test_one_existing_audience_can_be_adopted_and_holds_strangers_and_noes(demo: World) -> None:
    audiences = {audience.name: audience for audience in demo.mailchimp.audiences.values()}
    listed = set(addresses(demo, named(demo, ADOPTED_LIST)))
    contacts = audiences[ADOPTED_LIST].contacts.values()

    assert len(audiences) == 2
    assert [row.name for row in demo.otys.lists.values()].count(ADOPTED_LIST) == 1
    known = Counter(one.status for one in contacts if one.email_address in listed)
    assert known == {Status.SUBSCRIBED: 8, Status.UNSUBSCRIBED: 1, Status.CLEANED: 1}
    assert sum(1 for one in contacts if one.email_address not in listed) == 6
    assert demo.mailchimp.max_audiences >= len(audiences) + 24


def test_a_smaller_demo_keeps_its_selected_lists() -> None:
    world = World.demo(scale=0.02)

    assert len(world.otys.flagged()) == 24
    assert len(named(world, BIG_LIST).recipients) == 300


def test_a_saved_world_comes_back_as_it_was(tmp_path: Path) -> None:
    world = World.demo(scale=0.02)
    save_world(tmp_path, world, SandboxClock(frozen_at=NOON))

    saved = load_world(tmp_path)

    assert saved.world == world
    assert saved.clock().now() == NOON


def test_a_running_clock_goes_on_with_its_offset(tmp_path: Path) -> None:
    save_world(tmp_path, World.empty(), SandboxClock(offset=timedelta(days=3)))

    assert load_world(tmp_path).clock().offset == timedelta(days=3)


def test_a_folder_without_a_world_or_with_a_broken_one_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is missing"):
        load_world(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"not gzip")
    with pytest.raises(ValueError, match="is not a sandbox world"):
        load_world(tmp_path)


def test_a_sandbox_resumes_from_its_folder(tmp_path: Path) -> None:
    with run_sandbox(tmp_path, world="small") as first:
        uid = first.otys.create_list("Bewaard")
        audience = first.mailchimp.add_audience("Ook bewaard")

    with run_sandbox(tmp_path, world="empty") as second:
        assert second.world.otys.lists[uid].name == "Bewaard"
        assert second.world.mailchimp.audiences[audience].name == "Ook bewaard"


def test_a_sandbox_without_a_folder_has_to_be_told_where_to_save(tmp_path: Path) -> None:
    with Sandbox.start(world=World.empty()) as sandbox:
        with pytest.raises(ValueError, match="folder"):
            sandbox.save()
        assert sandbox.save(tmp_path).is_file()
