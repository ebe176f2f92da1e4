from email.message import EmailMessage
from pathlib import Path

import pytest

from reconciler.model import BaseMove, ListUid, Refusal, RefusalKind, Verb
from reconciler.store import Erased, NewMail, Store
from tests.store.examples import (
    ANN,
    BOB,
    CLIENT,
    JOBS,
    NEWS,
    NOW,
    P1,
    P2,
    a_pass,
    change,
    no,
    outcome,
    row,
)

WHOM = Erased(frozenset({ANN}), frozenset({P1}))


def remember(store: Store, client: str = CLIENT, list_uid: ListUid = NEWS) -> None:
    """Let a list remember Ann's row, Bob's no, and that Ann stands behind Bob's address too."""
    number = a_pass(store, client)
    store.record(number, client, list_uid, [outcome(change(ANN))], NOW)
    moves = (
        BaseMove(address=ANN, row=row(ANN), no=no(ANN)),
        BaseMove(address=BOB, row=None, no=no(BOB, persons=(P1, P2))),
    )
    store.move(number, client, list_uid, moves, NOW)


def test_looking_counts_what_is_known_and_leaves_it(store: Store) -> None:
    remember(store)
    before = store.base(CLIENT, NEWS)

    known = store.known_of(CLIENT, WHOM)

    assert known == {"last synced": 1, "nos": 1, "shared addresses": 1}
    assert store.base(CLIENT, NEWS) == before


def test_what_was_counted_is_what_is_forgotten_on_every_list(store: Store) -> None:
    remember(store)
    remember(store, list_uid=JOBS)
    known = store.known_of(CLIENT, WHOM)

    assert store.forget(CLIENT, WHOM) == known

    for uid in (NEWS, JOBS):
        base = store.base(CLIENT, uid)
        assert base.rows == {}
        assert [(one.address, one.persons) for one in base.nos] == [(BOB, (P2,))]
    assert store.forget(CLIENT, WHOM) == {}


def test_a_refusal_is_forgotten_and_so_is_the_address_in_the_words_of_another(store: Store) -> None:
    told = f"undone by eva, asked by {ANN}"
    refused = [
        Refusal(
            address=address, verb=Verb.ADD, kind=RefusalKind.UNDONE, detail=told, fingerprint="", since=NOW
        )
        for address in (ANN, BOB)
    ]
    store.hold_back(CLIENT, NEWS, refused)

    assert store.forget(CLIENT, WHOM) == {"refusals": 1, "texts": 1}

    left = [(one.address, one.detail) for one in store.base(CLIENT, NEWS).refusals]
    assert left == [(BOB, "undone by eva, asked by …")]


def test_another_client_forgets_nothing(store: Store) -> None:
    remember(store, "bravo")

    assert store.forget(CLIENT, WHOM) == {}
    assert ANN in store.base("bravo", NEWS).rows


def test_an_erasure_is_remembered_by_hashes_for_its_client_alone(store: Store, other_store: Store) -> None:
    store.remember_erasure(CLIENT, WHOM, NOW)
    store.remember_erasure(CLIENT, WHOM, NOW)

    keys = {store.key_address(ANN), store.key_person(P1)}
    assert other_store.erased(CLIENT) == dict.fromkeys(keys, NOW)
    assert other_store.erased("bravo") == {}


def test_a_person_is_not_taken_for_an_address_that_reads_alike(store: Store) -> None:
    assert store.key_person(P1) != store.key_address(str(P1))


@pytest.mark.parametrize("encoding", ["7bit", "base64", "quoted-printable"])
def test_a_mail_that_names_them_is_dropped_and_another_waits_on(store: Store, encoding: str) -> None:
    for told in (ANN, BOB):
        message = EmailMessage()
        message.set_content(f"refused: {told.upper()} …", cte=None if encoding == "7bit" else encoding)
        store.post(CLIENT, NewMail(recipients=("eva@agency.nl",), message=bytes(message)), (), NOW)

    assert store.forget(CLIENT, WHOM) == {"mails that wait": 1}
    assert len(store.waiting_mails()) == 1


def test_a_text_that_holds_the_address_by_accident_is_cleaned(store: Store) -> None:
    number = a_pass(store)
    kept = outcome(change(BOB, reason="shares the address of ann@agency"), detail="kept")
    store.record(number, CLIENT, NEWS, [kept], NOW)
    whom = Erased(frozenset({"ann@agency"}), frozenset())  # type: ignore[arg-type]  # no address, so not taken out before

    store.forget(CLIENT, whom)

    assert [one.reason for one in store.outcomes(number)] == ["shares the address of …"]


def test_compacting_leaves_no_trace_in_the_file(url: str, store: Store, tmp_path: Path) -> None:
    remember(store)
    store.forget(CLIENT, WHOM)

    assert store.compact()

    assert store.base(CLIENT, NEWS).nos
    if url.startswith("sqlite"):
        files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
        assert files
        assert not any(ANN.encode() in content for content in files)
