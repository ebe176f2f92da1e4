"""A backup holds what was put into it, or says why it cannot be trusted."""

import errno
import gzip
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.audience_record import ContactRecord, MergeFieldRecord, TagRecord
from reconciler.backup import (
    Backup,
    SavedHead,
    backups_of,
    newest_backup,
    prune_backups,
    read_backup,
    save_audience,
)
from reconciler.errors import BackupError
from reconciler.model import Address, AudienceId, BaseRow, BaseState, ListUid, Person, Standing

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONTACTS = tuple(
    ContactRecord(
        id=f"id-{number}",
        standing=Standing.SUBSCRIBED,
        email_address=f"p{number}@zorg.nl",
        merge_fields={"FNAME": f"P{number}", "ADDRESS": {"addr1": "Straat 1"}, "AGE": 40},
        tags=(TagRecord("Nacht"),),
        tags_count=1,
        timestamp_opt="2020-01-01T00:00:00+00:00",
        vip=number == 0,
    )
    for number in range(3)
)
ROW = BaseRow(
    address=Address("p1@zorg.nl"),
    state=BaseState.ACTIVE,
    persons=(Person("candidate", "77"),),
    fields={"FNAME": "P1"},
)


def save(folder: Path, *, client: str = "acme", uid: str = "1001", at: datetime = NOW) -> Backup:
    head = SavedHead(
        client=client,
        list_uid=ListUid(uid),
        list_name="Zorg",
        audience=AudienceId("a1"),
        name="Zorg",
        permission_reminder="U staat op onze lijst.",
        saved_at=at,
        contacts=len(CONTACTS),
        merge_fields=(MergeFieldRecord(tag="AGE", name="Leeftijd", type="number"),),
    )
    return save_audience(folder, head, CONTACTS, {"id-1": ROW})


def checksum_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def test_everything_that_was_saved_is_read_again(tmp_path: Path) -> None:
    saved = save(tmp_path / "backups")
    read = read_backup(saved.path)
    assert read == saved
    assert tuple(one.contact for one in read.contacts) == CONTACTS
    assert [one.row for one in read.contacts] == [None, ROW, None]
    assert read.head.merge_fields[0].type == "number"


def test_only_the_owner_may_read_it_and_nothing_unfinished_stays(tmp_path: Path) -> None:
    saved = save(tmp_path / "backups")
    assert saved.path.stat().st_mode & 0o077 == 0
    assert saved.path.parent.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in saved.path.parent.iterdir()) == sorted(
        (saved.path.name, checksum_of(saved.path).name)
    )


def test_the_checksum_is_one_that_sha256sum_understands(tmp_path: Path) -> None:
    saved = save(tmp_path)
    assert checksum_of(saved.path).read_text() == f"{saved.checksum}  {saved.path.name}\n"


def _other_lines(path: Path) -> None:
    path.write_bytes(gzip.compress(b'{"a": 1}\n'))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "was cut short"),
        (_other_lines, "was altered"),
        (lambda path: path.write_bytes(b"no gzip at all"), "was altered"),
        (lambda path: checksum_of(path).unlink(), r"sha256 is missing"),
        (lambda path: checksum_of(path).write_text("nonsense"), "holds no checksum"),
        (lambda path: path.unlink(), "cannot be"),
    ],
)
def test_what_is_wrong_with_a_backup_is_named(
    tmp_path: Path, spoil: Callable[[Path], object], why: str
) -> None:
    path = save(tmp_path).path
    spoil(path)
    with pytest.raises(BackupError, match=why):
        read_backup(path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BackupError, match="cannot be written to"):
        save(tmp_path / "file" / "backups")


def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", no_room)
        with pytest.raises(BackupError, match="No space left on device"):
            save(tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


def test_the_newest_backup_of_a_list_is_found_among_those_of_others(tmp_path: Path) -> None:
    save(tmp_path, at=NOW - timedelta(days=1))
    newest = save(tmp_path)
    save(tmp_path, uid="10", at=NOW + timedelta(days=1))
    save(tmp_path, client="acme-1001", uid="1", at=NOW + timedelta(days=1))
    assert newest_backup(tmp_path, "acme", ListUid("1001")) == newest.path
    assert newest_backup(tmp_path, "acme", ListUid("77")) is None


def test_a_newest_backup_that_is_spoilt_does_not_give_way_to_an_older_one(tmp_path: Path) -> None:
    save(tmp_path, at=NOW - timedelta(days=1))
    newest = save(tmp_path)
    newest.path.write_bytes(b"spoilt")
    assert newest_backup(tmp_path, "acme", ListUid("1001")) == newest.path


def test_old_backups_go_but_never_the_newest_of_a_list_nor_another_clients(tmp_path: Path) -> None:
    old = save(tmp_path, at=NOW - timedelta(days=400))
    middle = save(tmp_path, at=NOW - timedelta(days=300))
    only = save(tmp_path, uid="1002", at=NOW - timedelta(days=400))
    other = save(tmp_path, client="bravo", at=NOW - timedelta(days=400))
    save(tmp_path, client="bravo")
    assert prune_backups(tmp_path, "acme", older_than=NOW - timedelta(days=365)) == (old.path,)
    assert not checksum_of(old.path).exists()
    assert [path for path, _ in backups_of(tmp_path, "acme")] == [middle.path, only.path]
    assert other.path.exists()
