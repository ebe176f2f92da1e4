"""A pass that slept until another one took its lock over writes nothing more."""

from datetime import timedelta

import pytest

from reconciler.api.http import RequestNote
from reconciler.errors import LockHeld
from reconciler.store import HeldLock, open_store
from reconciler.wiring import RequestCount
from tests.passes.agency import Agency
from tests.passes.deleted import AT_ONCE

CROWD = [f"persoon{number}@zorg.nl" for number in range(600)]


class Successor:
    """Takes the lock over once the first request of a kind was answered: the lease ran out meanwhile."""

    def __init__(self, acme: Agency, method: str, path: str) -> None:
        self._acme = acme
        self._wanted = (method, path)
        self._store = open_store(f"sqlite:///{acme.folder}/state/reconciler.db")
        self._lock: HeldLock | None = None

    def __call__(self, note: RequestNote) -> None:
        method, path = self._wanted
        if self._lock is None and note.method == method and note.path.startswith(path):
            self._acme.later(minutes=3)
            now, lease = self._acme.now, timedelta(minutes=2)
            self._lock = HeldLock(self._store._database, client="acme", lease=lease, now=lambda: now)
            self._lock.take("its successor")

    def end(self) -> None:
        assert self._lock is not None
        self._lock.release()
        self._store.close()


@pytest.mark.parametrize(
    ("method", "path", "written"),
    [
        ("GET", "/3.0/lists", []),
        ("POST", "/3.0/lists", ["POST /3.0/lists"]),
    ],
    ids=["before the audience is created", "before anybody is added"],
)
def test_whatever_it_was_about_to_write_is_not_written(
    acme: Agency, monkeypatch: pytest.MonkeyPatch, method: str, path: str, written: list[str]
) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    successor = Successor(acme, method, path)
    with monkeypatch.context() as patch:
        patch.setattr(RequestCount, "__call__", lambda _count, note: successor(note))

        def slow() -> None:
            with pytest.raises(LockHeld, match="The lock of acme was taken over by another pass"):
                acme.once()

        assert acme.writes_of(slow) == written
    successor.end()
    acme.converge()
    assert acme.subscribed(nurses) == {"jan@zorg.nl"}
    assert len(acme.world.mailchimp.audiences) == 1


def test_no_audience_is_deleted_by_who_lost_the_lock_while_it_was_saved(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.configure(limits=AT_ONCE)
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    audience = acme.audience(nurses)
    acme.sandbox.otys.delete_list(nurses.uid)
    successor = Successor(acme, "GET", f"/3.0/lists/{audience}")
    with monkeypatch.context() as patch:
        patch.setattr(RequestCount, "__call__", lambda _count, note: successor(note))

        def slow() -> None:
            with pytest.raises(LockHeld):
                acme.once()

        assert acme.writes_of(slow) == []
    successor.end()
    assert audience in acme.world.mailchimp.audiences


def test_after_the_request_in_flight_no_further_one_is_sent(
    acme: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurses = acme.list("Verpleegkundigen", "jan@zorg.nl")
    acme.once()
    for email in CROWD:
        acme.join(nurses, acme.person(email))
    adds = f"/3.0/lists/{acme.audience(nurses)}"
    successor = Successor(acme, "POST", adds)
    with monkeypatch.context() as patch:
        patch.setattr(RequestCount, "__call__", lambda _count, note: successor(note))

        def slow() -> None:
            with pytest.raises(LockHeld):
                acme.once()

        assert acme.writes_of(slow) == [f"POST {adds}"]
    successor.end()
    acme.later(hours=1)
    acme.converge()
    assert acme.subscribed(nurses) == {"jan@zorg.nl", *CROWD}
    assert acme.writes_of(acme.once) == []
