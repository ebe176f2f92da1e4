"""One daemon with many clients, some of which are in trouble. By hand: `make many-clients`."""

import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.faults import Fault, FaultKind
from tests.cli.office import CLIENT, Office
from tests.daemon.house import Process

SHARE = 20
"""So many good clients have one pair of services, which would be too few connections for all of them."""
HANGS = Fault(kind=FaultKind.TIMEOUT_BEFORE, value=600, times=None)
THROTTLES = Fault(kind=FaultKind.TOO_MANY_REQUESTS_BARE, system="mailchimp", times=None)


@dataclass(frozen=True)
class Crowd:
    """A folder with the configuration of many clients. Those in trouble come first in the alphabet, and so
    first in the queue."""

    folder: Path
    good: tuple[str, ...]
    hanging: tuple[str, ...]
    rejected: tuple[str, ...]
    throttled: tuple[str, ...]

    @contextmanager
    def daemon(self, schedule: str) -> Iterator[Process]:
        """Yield a daemon of all of them."""
        main = self.folder / "config" / "reconciler.toml"
        main.write_text(f'[daemon]\nschedule = "{schedule}"\n[http]\nlisten = "127.0.0.1:0"\n', "utf-8")
        process = Process(self.folder)
        try:
            yield process
        finally:
            process.close()


@contextmanager
def crowd(folder: Path, *, good: int, hanging: int, rejected: int, throttled: int) -> Iterator[Crowd]:
    """Given a folder and how many clients of each kind there are, yield them with their services."""
    clients = folder / "config" / "clients.d"
    clients.mkdir(parents=True)
    with ExitStack() as opened:

        def office() -> Office:
            sandbox = opened.enter_context(Sandbox.start(world=World.empty()))
            sandbox.world.otys.switches.requests_a_minute = 0
            return Office(sandbox, folder)

        def add(kind: str, count: int, at: Office, *, key: str = "") -> tuple[str, ...]:
            names = tuple(f"{kind}-{number:03}" for number in range(count))
            for name in names:
                uid = at.mailing_list(f"Nieuws van {name}", f"anna@{name}.nl", f"bert@{name}.nl").uid
                tables = CLIENT.format(
                    name=name,
                    mode="apply",
                    endpoint=f"{at.sandbox.otys_url}?{name}",  # a limit of its own, as its own key would have
                    key=key or at.world.otys_api_key,
                    mailchimp=at.sandbox.mailchimp_url,
                )
                own = f'[clients.{name}.otys.settings]\nGE203 = ["{uid}"]\n'
                (clients / f"{name}.toml").write_text(tables + own, "utf-8")
            return names

        slow, busy, strict = office(), office(), office()
        slow.sandbox.faults.add(HANGS)
        busy.sandbox.faults.add(THROTTLES)
        yield Crowd(
            folder,
            hanging=add("a-hanging", hanging, slow),
            rejected=add("b-rejected", rejected, strict, key="revoked"),
            throttled=add("c-throttled", throttled, busy),
            good=tuple(
                name
                for part in range(0, good, SHARE)
                for name in add(f"good-{part // SHARE}", min(SHARE, good - part), office())
            ),
        )


EVERY = 30
SECONDS = 100


def main() -> None:
    """Run 200 clients for a while and print how late the passes of the good ones began."""
    with (
        tempfile.TemporaryDirectory() as folder,
        crowd(Path(folder), good=170, hanging=10, rejected=10, throttled=10) as many,
        many.daemon(f"every {EVERY} seconds") as daemon,
    ):
        daemon.wait_for("daemon_started")
        time.sleep(SECONDS)
        daemon.send(signal.SIGTERM)
        code = daemon.ended()
        _tell(many, daemon, code)


def _tell(many: Crowd, daemon: Process, code: int) -> None:
    (started,) = (_moment(line) for line in daemon.lines if line["event"] == "daemon_started")
    begins: dict[str, list[float]] = {name: [] for name in many.good}
    ended: dict[str, int] = {}
    for line in daemon.lines:
        if line["event"] == "pass_began" and line["client"] in begins:
            begins[line["client"]].append((_moment(line) - started).total_seconds())
        if line["event"] == "pass_ended":
            ended[line["client"]] = ended.get(line["client"], 0) + 1
    for name, moments in begins.items():
        sys.stdout.write(f"{name}: {' '.join(f'{moment:.1f}' for moment in moments)}\n")
    first = [moments[0] for moments in begins.values() if moments]
    gaps = [after - before for moments in begins.values() for before, after in pairwise(moments)]
    sys.stdout.write(
        f"{len(many.good)} good clients, {SECONDS} s, every {EVERY} s: "
        f"{min(map(len, begins.values()))} to {max(map(len, begins.values()))} passes each.\n"
        f"First pass began at most {max(first, default=0):.1f} s after the start; "
        f"two passes at most {max(gaps, default=0):.1f} s apart.\n"
    )
    for kind in ("hanging", "rejected", "throttled"):
        names: tuple[str, ...] = getattr(many, kind)
        sys.stdout.write(f"{kind}: {sum(ended.get(name, 0) for name in names)} passes ended.\n")
    sys.stdout.write(f"The daemon exited with {code}.\n")


def _moment(line: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(line["timestamp"])


if __name__ == "__main__":
    main()
