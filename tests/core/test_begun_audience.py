"""Which audience a restoration that was cut off had created: taking another for it would fill that one."""

from datetime import UTC, datetime

from reconciler.model import (
    Audience,
    AudienceCatalogue,
    AudienceId,
    Constraints,
    Link,
    ListUid,
    PassId,
    Tally,
)
from reconciler.restoring import begun_audience
from reconciler.store import Intent, IntentKind

UID, OTHER = ListUid("1001"), ListUid("1002")
BEGUN = Intent(
    id=1,
    list_uid=UID,
    kind=IntentKind.RESTORE_AUDIENCE,
    detail={"name": "Zorg", "existing": "a1", "reason": ""},
    pass_id=PassId(1),
    intended_at=datetime(2026, 11, 1, tzinfo=UTC),
)


def begun(*audiences: str, **linked: ListUid) -> str | None:
    """Return the id of the audience, if those of these ids are all called as it and some are linked."""
    count = len(audiences)
    there = AudienceCatalogue(
        tuple(Audience(id=AudienceId(one), name="Zorg") for one in audiences),
        Constraints(may_create=True, maximum=None, current=count),
        Tally(rows=count, declared_before=count, declared_after=count),
    )
    links = {
        uid: Link(list_uid=uid, list_name="", audience_id=AudienceId(one)) for one, uid in linked.items()
    }
    found = begun_audience(BEGUN, there, links)
    return None if found is None else found.id


def test_the_one_that_is_new_is_it() -> None:
    assert begun("a1", "a2") == "a2"


def test_one_that_was_there_before_is_not() -> None:
    assert begun("a1") is None


def test_one_that_another_list_has_is_not() -> None:
    assert begun("a1", "a2", a2=OTHER) is None


def test_of_two_that_are_new_none_is_guessed_unless_the_list_has_it_by_now() -> None:
    assert begun("a1", "a2", "a3") is None
    assert begun("a1", "a2", "a3", a3=UID) == "a3"
