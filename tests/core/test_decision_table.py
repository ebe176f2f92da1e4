"""The decision table, cell by cell: against the specification, and against what was agreed before."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.decision_document import complete_listing, document
from reconciler.diff import Decision, decide
from reconciler.model import BaseState, Listing, NoReason, Standing, Verb
from reconciler.policy import ArchivedStranger, Policy, RemovedInMailchimp

GOLDEN = Path(__file__).with_name("decision_table.txt")
DOCUMENT = Path(__file__).parents[2] / "docs" / "decision-table.md"

# Copied by hand from the specification, never from the code. "=" leaves what is remembered as it is.
SPECIFICATION = """
base       | OTYS      | subscribed         | pending            | said no      | archived     | absent
none       | absent    | =                  | =                  | =            | =            | =
none       | listed    | adopt active       | =                  | suppress     | hold =       | add active
none       | opted out | hold =             | hold =             | - suppressed | - suppressed | - suppressed
active     | opted out | remove suppressed  | remove suppressed  | suppress     | suppress     | suppress
removed    | opted out | remove suppressed  | remove suppressed  | suppress     | suppress     | suppress
active     | listed    | =                  | =                  | suppress     | suppress     | suppress
active     | absent    | remove removed     | remove removed     | suppress     | forget none  | forget none
removed    | listed    | adopt active       | =                  | suppress     | add active   | add active
removed    | absent    | - none             | - none             | suppress     | =            | =
suppressed | listed    | adopt active       | =                  | =            | =            | =
suppressed | absent    | - none             | =                  | =            | =            | =
suppressed | opted out | hold =             | =                  | =            | =            | =
"""

STANDINGS = {
    "subscribed": (Standing.SUBSCRIBED,),
    "pending": (Standing.PENDING, Standing.TRANSACTIONAL),
    "said no": (Standing.UNSUBSCRIBED, Standing.CLEANED),
    "archived": (Standing.ARCHIVED,),
    "absent": (Standing.ABSENT,),
}

LASTING = frozenset({NoReason.UNSUBSCRIBED})


def specified() -> Iterator[tuple[BaseState, Listing, Standing, Verb | None, BaseState]]:
    heading, *rows = (
        [cell.strip() for cell in line.split("|")] for line in SPECIFICATION.strip().split("\n")
    )
    for base_name, otys, *cells in rows:
        base = BaseState(base_name)
        for column, cell in zip(heading[2:], cells, strict=True):
            verb_name, _, goes = cell.rpartition(" ")
            verb = Verb(verb_name) if verb_name not in ("", "-") else None
            if cell == "suppress":
                verb, goes = Verb.SUPPRESS, "suppressed"
            for standing in STANDINGS[column]:
                yield base, Listing(otys), standing, verb, base if goes == "=" else BaseState(goes)


def default(base: BaseState, listing: Listing, standing: Standing) -> Decision:
    nos = LASTING if base is BaseState.SUPPRESSED else frozenset[NoReason]()
    return decide(base, listing, standing, policy=Policy(), nos=nos)


def test_the_specification_names_every_cell() -> None:
    named = {(base, listing, standing) for base, listing, standing, _, _ in specified()}

    assert len(named) == len(BaseState) * len(Listing) * len(Standing)


@pytest.mark.parametrize(
    ("base", "listing", "standing", "verb", "after"),
    list(specified()),
    ids=lambda value: str(value).replace(" ", "_"),
)
def test_each_cell_decides_as_specified(
    base: BaseState, listing: Listing, standing: Standing, verb: Verb | None, after: BaseState
) -> None:
    decision = default(base, listing, standing)

    assert (decision.verb, decision.base) == (verb, after)


@pytest.mark.parametrize(
    ("standing", "reason"),
    [
        (Standing.UNSUBSCRIBED, NoReason.UNSUBSCRIBED),
        (Standing.CLEANED, NoReason.BOUNCED),
        (Standing.ARCHIVED, NoReason.TAKEN_OUT),
        (Standing.ABSENT, NoReason.TAKEN_OUT),
    ],
)
def test_a_suppressed_contact_of_ours_remembers_why(standing: Standing, reason: NoReason) -> None:
    assert default(BaseState.ACTIVE, Listing.LISTED, standing).no is reason


def test_an_archived_stranger_is_added_where_the_policy_says_so() -> None:
    policy = Policy(archived_stranger=ArchivedStranger.ADD)

    decision = decide(BaseState.NONE, Listing.LISTED, Standing.ARCHIVED, policy=policy)

    assert (decision.verb, decision.base) == (Verb.ADD, BaseState.ACTIVE)


@pytest.mark.parametrize("standing", [Standing.ARCHIVED, Standing.ABSENT])
def test_somebody_taken_out_is_restored_where_the_policy_says_so(standing: Standing) -> None:
    policy = Policy(removed_in_mailchimp=RemovedInMailchimp.RESTORE)

    decision = decide(BaseState.ACTIVE, Listing.LISTED, standing, policy=policy)

    assert (decision.verb, decision.base) == (Verb.ADD, BaseState.ACTIVE)


def test_an_unsubscribed_contact_that_left_is_archived_where_the_policy_says_so() -> None:
    policy = Policy(archive_opted_out=True)

    decision = decide(BaseState.ACTIVE, Listing.ABSENT, Standing.UNSUBSCRIBED, policy=policy)

    assert (decision.verb, decision.base) == (Verb.REMOVE, BaseState.SUPPRESSED)
    assert decision.no is NoReason.UNSUBSCRIBED


def test_a_bounced_contact_is_never_archived_because_mailchimp_refuses_it() -> None:
    policy = Policy(archive_opted_out=True)

    decision = decide(BaseState.ACTIVE, Listing.ABSENT, Standing.CLEANED, policy=policy)

    assert decision.verb is Verb.SUPPRESS


@pytest.mark.parametrize("standing", [Standing.ARCHIVED, Standing.ABSENT])
def test_taken_out_ends_when_otys_drops_the_person(standing: Standing) -> None:
    nos = frozenset({NoReason.TAKEN_OUT})

    decision = decide(BaseState.SUPPRESSED, Listing.ABSENT, standing, policy=Policy(), nos=nos)

    assert (decision.verb, decision.base) == (None, BaseState.NONE)


@pytest.mark.parametrize("standing", [Standing.ARCHIVED, Standing.ABSENT])
@pytest.mark.parametrize("reason", [reason for reason in NoReason if reason is not NoReason.TAKEN_OUT])
def test_every_other_no_outlives_the_person_on_the_list(standing: Standing, reason: NoReason) -> None:
    for nos in (frozenset({reason}), frozenset({reason, NoReason.TAKEN_OUT})):
        decision = decide(BaseState.SUPPRESSED, Listing.ABSENT, standing, policy=Policy(), nos=nos)

        assert decision.base is BaseState.SUPPRESSED


def test_somebody_taken_out_who_unsubscribes_too_is_remembered_for_good() -> None:
    nos = frozenset({NoReason.TAKEN_OUT})

    decision = decide(BaseState.SUPPRESSED, Listing.LISTED, Standing.UNSUBSCRIBED, policy=Policy(), nos=nos)

    assert (decision.verb, decision.base, decision.no) == (None, BaseState.SUPPRESSED, NoReason.UNSUBSCRIBED)


def test_every_answer_is_the_one_agreed_on() -> None:
    """After a wanted change: `python -m reconciler.decision_document listing` into the golden file."""
    assert complete_listing() == GOLDEN.read_text(encoding="utf-8")


def test_the_documentation_shows_the_table_as_it_is() -> None:
    """After a wanted change: `python -m reconciler.decision_document` into the document."""
    assert document() == DOCUMENT.read_text(encoding="utf-8")
