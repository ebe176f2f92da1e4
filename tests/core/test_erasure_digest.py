"""An approval of an erasure names exactly who is erased, where, and how thoroughly."""

from dataclasses import replace

from reconciler.erase import AddressErasure, ContactErasure, Fate
from reconciler.model import Address, AudienceId, ListUid, Person
from reconciler.store import Erased
from tests.core.world import contact

ANN = Address("ann@x.nl")
WHO = Erased(frozenset({ANN}), frozenset({Person("candidate", "1")}))
FOUND = ContactErasure(
    list_uid=ListUid("1001"),
    list_name="Zorg",
    audience_id=AudienceId("a1"),
    contact=contact(ANN),
    fate=Fate.ARCHIVED,
)
ERASURE = AddressErasure(
    client="acme",
    address=ANN,
    permanently=False,
    erased=WHO,
    contacts=(FOUND,),
    remembering=(),
    known={},
    backups=(),
    listed=(),
)


def test_whatever_else_would_be_erased_has_another_digest() -> None:
    others = (
        replace(ERASURE, client="bravo"),
        replace(ERASURE, address=Address("anna@x.nl")),
        replace(ERASURE, permanently=True),
        replace(ERASURE, erased=replace(WHO, addresses=frozenset({ANN, Address("bob@x.nl")}))),
        replace(ERASURE, erased=replace(WHO, persons=frozenset({Person("candidate", "2")}))),
        replace(ERASURE, contacts=(replace(FOUND, audience_id=AudienceId("a2")),)),
        replace(ERASURE, contacts=(replace(FOUND, contact=replace(FOUND.contact, contact_id="2")),)),
        replace(ERASURE, contacts=(replace(FOUND, contact=replace(FOUND.contact, id="2")),)),
        replace(ERASURE, contacts=(replace(FOUND, fate=Fate.DELETED),)),
        replace(ERASURE, backups=("zorg.gz",)),
    )
    assert len({ERASURE.digest, *(other.digest for other in others)}) == 1 + len(others)


def test_what_could_not_be_read_has_no_digest() -> None:
    assert ERASURE.digest
    assert replace(ERASURE, problems=("half read",)).digest == ""
