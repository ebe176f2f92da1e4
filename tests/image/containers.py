"""Runs an image's files as a container by runc, which is what runs containers under Docker, too."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

RUNC = "runc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a container is to run: what an image and compose.yaml say, in one."""

    root: Path
    command: Sequence[str]
    environment: Sequence[str]
    user: int
    working_folder: str
    read_only: bool
    temporary: Sequence[str]
    """Where something may be written that a restart forgets."""
    volumes: Mapping[str, tuple[Path, str]] = field(default_factory=dict)
    """Folders of this machine by their place in the container, each with `ro` or `rw`."""
    network_of: "Container | None" = None


class _State(msgspec.Struct):
    pid: int


@dataclass(frozen=True, slots=True)
class Container:
    """A container that runs."""

    name: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def pid(self) -> int:
        """The first process in it, by its number on this machine."""
        return msgspec.json.decode(self._runc("state", self.name).stdout, type=_State).pid

    @property
    def output(self) -> str:
        """What it has written so far."""
        return (self.folder / "output").read_text(encoding="utf-8")

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Given a command, return what became of it inside, as `docker exec` runs it."""
        return self._runc("exec", self.name, *command)

    def ask(self, path: str) -> tuple[int, str]:
        """Given a path of the HTTP port, return the status and body; status 0 while nobody listens."""
        return _answer(self.run("python", "-c", _GET, path).stdout)

    def send(self, signal: str) -> None:
        """Given a signal, send it to the first process."""
        self._runc("kill", self.name, signal)

    def _runc(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [RUNC, f"--root={self.folder.parent / 'runc'}", *arguments],
            check=False,
            text=True,
            capture_output=True,
        )


_GET = """
import http.client, sys
try:
    connection = http.client.HTTPConnection("127.0.0.1", 8080, timeout=10)
    connection.request("GET", sys.argv[1])
    answer = connection.getresponse()
    print(answer.status, answer.read().decode())
except OSError:
    print(0)
"""


def _answer(printed: str) -> tuple[int, str]:
    status, _, body = printed.partition(" ")
    return int(status or 0), body


@contextmanager
def running(name: str, wanted: Wanted, place: Path) -> Iterator[Container]:
    """Given a name and how to run it, yield the container; at the end it is gone."""
    folder = place / name
    folder.mkdir(parents=True)
    subprocess.run([RUNC, "spec"], check=True, cwd=folder)
    file = folder / "config.json"
    file.write_text(json.dumps(_spec(json.loads(file.read_text(encoding="utf-8")), wanted)), encoding="utf-8")
    command = [RUNC, f"--root={place / 'runc'}", "run", f"--bundle={folder}", name]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    container = Container(name, folder, process)
    try:
        yield container
    finally:
        container._runc("delete", "--force", name)
        process.wait()


def _spec(spec: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Given runc's own example of a specification, return the one that is wanted."""
    spec["root"] = {"path": str(wanted.root), "readonly": wanted.read_only}
    spec["process"] |= {
        "terminal": False,
        "args": list(wanted.command),
        "env": list(wanted.environment),
        "user": {"uid": wanted.user, "gid": wanted.user},
        "cwd": wanted.working_folder,
        "noNewPrivileges": True,
        "capabilities": {},  # none at all, as after `cap_drop: [ALL]`
    }
    spec["mounts"] += [
        {"destination": place, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "noexec"]}
        for place in wanted.temporary
    ]
    spec["mounts"] += [
        {
            "destination": place,
            "type": "bind",
            "source": str(source),
            "options": ["bind", how, "nosuid", "nodev"],
        }
        for place, (source, how) in wanted.volumes.items()
    ]
    for namespace in spec["linux"]["namespaces"]:
        if namespace["type"] == "network" and wanted.network_of is not None:
            namespace["path"] = f"/proc/{wanted.network_of.pid}/ns/net"
    spec["linux"]["cgroupsPath"] = f"/reconciler-image-check-{os.getpid()}-{wanted.command[1]}"
    return spec
