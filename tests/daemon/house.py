"""The daemon as an operator has it: a process of its own, told by signals and telling by its log."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.sandbox.requestlog import LoggedRequest
from reconciler.store import Store, open_store
from tests.cli.office import Office

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


class Process:
    """A running daemon."""

    def __init__(self, folder: Path, command: str = "run") -> None:
        self._changed = threading.Condition()
        self.lines: list[Mapping[str, Any]] = []
        self.plain: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait_for(self, event: str, count: int = 1, **also: object) -> Mapping[str, Any]:
        """Given an event and what its line holds, return the line of that count once it was told."""

        def found() -> list[Mapping[str, Any]]:
            return [
                line
                for line in self.lines
                if line["event"] == event and all(line.get(name) == value for name, value in also.items())
            ]

        with self._changed:
            there = self._changed.wait_for(lambda: len(found()) >= count, PATIENCE)
        assert there, f"{event} {also} did not come {count} times: {self.events()} {self.plain}"
        return found()[count - 1]

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]

    def ended(self) -> int:
        """Return the exit code once the process has ended."""
        code = self._process.wait(PATIENCE)
        self._reader.join()
        return code

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.ended()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._changed:
                if line.startswith("{"):
                    self.lines.append(json.loads(line))
                else:
                    self.plain.append(line)
                self._changed.notify_all()


@dataclass
class House:
    """An office and the daemons that were started in it."""

    office: Office
    daemon_table: str = 'schedule = "every 9 hours"'
    _processes: list[Process] = field(default_factory=list)

    def configure(self, name: str = "acme", *, mode: str = "apply", tables: str = "") -> None:
        """Write the configuration with this client in it, and with the daemon's own tables."""
        self.office.configure(name, mode=mode, tables=tables)
        own = f'[daemon]\n{self.daemon_table}\n[http]\nlisten = "127.0.0.1:0"\n'
        self.path.write_text(own + self.path.read_text("utf-8"), "utf-8")

    def remove(self, name: str) -> None:
        del self.office.clients[name]
        self.configure(next(iter(self.office.clients)))

    def break_config(self) -> None:
        self.path.write_text(self.path.read_text("utf-8").replace("[daemon]", "[deamon]"), "utf-8")

    @property
    def path(self) -> Path:
        return self.office.folder / "config" / "reconciler.toml"

    def start(self) -> Process:
        process = Process(self.office.folder)
        self._processes.append(process)
        return process

    def started(self) -> Process:
        """Return a daemon whose first pass of every client is over."""
        process = self.start()
        for name in self.office.clients:
            process.wait_for("pass_ended", client=name)
        return process

    def run(self, command: str) -> tuple[int, str]:
        """Given a command, run it beside the daemon; return its exit code and what it said on the side."""
        process = Process(self.office.folder, command)
        self._processes.append(process)
        return process.ended(), "".join(process.plain)

    def wait_for_request(self, wanted: Callable[[LoggedRequest], bool]) -> None:
        """Given what is wanted, return once the services got such a request."""
        log, number = self.office.sandbox.log, 0
        while not any(wanted(one) for one in log.requests()):
            number += 1
            assert log.wait_for(number, seconds=PATIENCE), "the services were not asked that"

    @contextmanager
    def store(self) -> Iterator[Store]:
        with open_store(f"sqlite:///{self.office.folder}/state/reconciler.db") as store:
            yield store

    def close(self) -> None:
        for process in self._processes:
            process.close()
