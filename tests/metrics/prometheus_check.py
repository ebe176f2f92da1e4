"""Runs promtool, and a real Prometheus that scrapes a real daemon over the sandbox: `make prometheus-check`.

It needs Debian's package `prometheus`, so it is no part of the suite. Says what it saw; exits with 1 if
something is not as it should be, and with 2 without the package.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import msgspec

from reconciler.sandbox import Sandbox, World
from tests.metrics.dashboards import dashboards

CONFIG = Path(__file__).parents[2] / "config" / "prometheus"
PATIENCE = 90.0
GOOD, BROKEN = "werkpunt", "wrong-key"

T = TypeVar("T")


class Target(msgspec.Struct):
    health: str
    lastError: str  # noqa: N815 - Prometheus' own name


class Targets(msgspec.Struct):
    activeTargets: list[Target]  # noqa: N815 - Prometheus' own name


class Rule(msgspec.Struct):
    name: str
    health: str
    lastError: str = ""  # noqa: N815 - Prometheus' own name


class Group(msgspec.Struct):
    rules: list[Rule]


class Groups(msgspec.Struct):
    groups: list[Group]


class Alert(msgspec.Struct):
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str


class Alerts(msgspec.Struct):
    alerts: list[Alert]


class Vector(msgspec.Struct):
    result: list[msgspec.Raw]


class Answer(msgspec.Struct):
    data: msgspec.Raw


class NotAsItShouldBe(Exception):
    """The check found something."""


class Prometheus:
    """A running Prometheus, asked over HTTP."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, path: str, kind: type[T], **parameters: str) -> T:
        """Given a path of its API, return the answer."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        told = read(f"{self._url}/api/v1/{path}{query}")
        if not told:
            raise NotAsItShouldBe(f"Prometheus does not answer {path} {parameters}")
        return msgspec.json.decode(msgspec.json.decode(told, type=Answer).data, type=kind)

    def has(self, expression: str) -> bool:
        """Given an expression, return whether it has a value now."""
        return bool(self.ask("query", Vector, query=expression).result)

    def alert(self, name: str, state: str, **labels: str) -> Alert | None:
        """Given an alert, return it if it stands so."""
        wanted = {"alertname": name, **labels}
        return next(
            (
                one
                for one in self.ask("alerts", Alerts).alerts
                if one.state == state and wanted.items() <= one.labels.items()
            ),
            None,
        )


def main() -> None:
    """Check everything, step by step."""
    promtool, prometheus = (tool(name) for name in ("promtool", "prometheus"))
    check_files(promtool)
    with tempfile.TemporaryDirectory() as name, Sandbox.start(world=World.small()) as sandbox:
        folder = Path(name)
        port = free_port()
        with daemon(folder, sandbox, port) as running:
            text = wait_for("a first pass", lambda: exposition(port))
            run([promtool, "check", "metrics"], given=text)
            told(f"/metrics: {len(text.splitlines())} lines, {len(text)} bytes; promtool finds no fault")
            with scraping(prometheus, folder, port) as found:
                check_scraped(found, sandbox)
                check_dashboards(found)
                check_stop(found, running)


def tool(name: str) -> str:
    """Given a program of Debian's package, return where it is; without it, say so and stop."""
    found = shutil.which(name)
    if found is None:
        sys.stderr.write(
            f"There is no {name} here. `apt-get install prometheus` brings it; then try again.\n"
        )
        raise SystemExit(2)
    return found


def check_files(promtool: str) -> None:
    """Check the configuration and the rules, and run the rules' tests."""
    tests = sorted(str(file) for file in (CONFIG / "tests").glob("*.yml"))
    for arguments in (["check", "config", str(CONFIG / "prometheus.yml")], ["test", "rules", *tests]):
        told(f"promtool {' '.join(arguments[:2])}: {run([promtool, *arguments]).count('SUCCESS')} SUCCESS")


def check_scraped(found: Prometheus, sandbox: Sandbox) -> None:
    """The daemon is scraped, every rule is evaluated, and alerts come when there is reason for them."""
    wait_for("a scrape", lambda: found.has('up{job="reconciler"} == 1'))
    told(f"targets: {[one.health for one in found.ask('targets', Targets).activeTargets]}")
    sandbox.otys.empty_list(biggest_list(sandbox))
    rejected = wait_for("ReconcilerKeyRejected", lambda: found.alert("ReconcilerKeyRejected", "firing"))
    if rejected.labels["client"] != BROKEN:
        raise NotAsItShouldBe(f"the wrong client's key is told: {rejected.labels}")
    told(f"firing: {rejected.annotations['summary']}\n        {rejected.annotations['action']}")
    withheld = wait_for(
        "ReconcilerWithheld", lambda: found.alert("ReconcilerWithheld", "pending", client=GOOD)
    )
    told(f"pending: {withheld.annotations['summary']}\n        {withheld.annotations['description']}")
    rules = [rule for group in found.ask("rules", Groups).groups for rule in group.rules]
    sick = [f"{rule.name}: {rule.lastError}" for rule in rules if rule.health != "ok"]
    if sick:
        raise NotAsItShouldBe(f"rules that cannot be evaluated: {sick}")
    told(f"rules: {len(rules)} evaluated, all ok")


def check_dashboards(found: Prometheus) -> None:
    """Prometheus understands every expression of every dashboard."""
    for board in dashboards():
        empty = [
            panel.title
            for panel in board.panels
            for target in panel.targets
            if not found.has(target.expression.replace("$client", GOOD))
        ]
        asked = sum(len(panel.targets) for panel in board.panels)
        told(f"{board.file.title}: {asked} expressions understood, no data (yet) for: {empty or 'none'}")


def check_stop(found: Prometheus, running: subprocess.Popen[bytes]) -> None:
    """Prometheus notices that the daemon is gone."""
    running.send_signal(signal.SIGTERM)
    code = running.wait(PATIENCE)
    down = wait_for("ReconcilerDown", lambda: found.alert("ReconcilerDown", "pending"))
    told(f"after SIGTERM the daemon exited with {code}; pending: {down.annotations['summary']}")
    if code != 0:
        raise NotAsItShouldBe(f"the daemon exited with {code}")


@contextmanager
def daemon(folder: Path, sandbox: Sandbox, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Given a sandbox, run the daemon on it: one client that works, and one with a wrong key."""
    clients = (
        client(name, sandbox, key) for name, key in ((GOOD, sandbox.world.otys_api_key), (BROKEN, "wrong"))
    )
    (folder / "reconciler.toml").write_text(
        f'[daemon]\nschedule = "every 2 seconds"\n[http]\nlisten = "127.0.0.1:{port}"\n'
        f'[state]\nurl = "sqlite:///{folder}/reconciler.db"\n{"".join(clients)}',
        "utf-8",
    )
    command = [sys.executable, "-m", "reconciler", "--config", str(folder / "reconciler.toml"), "run"]
    with process(command, folder / "daemon.log") as running:
        yield running


def client(name: str, sandbox: Sandbox, key: str) -> str:
    """Return a client's part of the configuration."""
    return f"""
[clients.{name}]
mode = "apply"
[clients.{name}.otys]
endpoint = "{sandbox.otys_url}"
api_key = "{key}"
[clients.{name}.mailchimp]
base_url = "{sandbox.mailchimp_url}"
[clients.{name}.mailchimp.audience_defaults]
company = "Acme"
address1 = "Straat 1"
city = "Utrecht"
from_name = "Acme"
from_email = "nieuws@acme-werving.nl"
subject = "Nieuws"
"""


@contextmanager
def scraping(prometheus: str, folder: Path, port: int) -> Iterator[Prometheus]:
    """Given the daemon's port, run Prometheus with our own files, hurried, and with its address."""
    copy = Path(shutil.copytree(CONFIG, folder / "prometheus"))
    hurried = (copy / "prometheus.yml").read_text("utf-8").replace("interval: 15s", "interval: 1s")
    (copy / "prometheus.yml").write_text(hurried, "utf-8")
    (copy / "targets.yml").write_text(f'- targets: ["127.0.0.1:{port}"]\n', "utf-8")
    own = free_port()
    command = [
        prometheus,
        f"--config.file={copy}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{own}",
        "--log.level=warn",
    ]
    with process(command, folder / "prometheus.log"):
        url = f"http://127.0.0.1:{own}"
        wait_for("Prometheus", lambda: read(f"{url}/-/ready"))
        yield Prometheus(url)


@contextmanager
def process(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Given a program, run it; end it at last, and show its last lines if something was wrong."""
    with log.open("wb") as lines, subprocess.Popen(command, stdout=lines, stderr=lines) as running:
        try:
            yield running
        except NotAsItShouldBe:
            sys.stderr.write(f"{Path(command[0]).name} said:\n{log.read_text('utf-8')[-2000:]}\n")
            raise
        finally:
            running.terminate()
            running.wait()


def exposition(port: int) -> str:
    """Return what /metrics shows once a pass is over; empty before."""
    text = read(f"http://127.0.0.1:{port}/metrics").decode()
    ended = f'reconciler_passes_total{{client="{GOOD}",result="done"}} 0.0'
    return "" if ended in text else text


def biggest_list(sandbox: Sandbox) -> str:
    """Return the uid of the flagged list with the most recipients."""
    lists = sandbox.world.otys.lists
    return max(sandbox.world.otys.flagged(), key=lambda uid: len(lists[uid].recipients))


def read(url: str) -> bytes:
    """Given an address on loopback, return what is there; nothing while nobody listens, or for an error."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            return bytes(answer.read())
    except OSError:
        return b""


def wait_for(what: str, look: Callable[[], T | None]) -> T:
    """Given where to look, return what is there as soon as there is anything."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    raise NotAsItShouldBe(f"{what} did not come within {PATIENCE:g} seconds")


def run(command: list[str], *, given: str = "") -> str:
    """Given a program, return what it says. Raise NotAsItShouldBe if it finds a fault."""
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotAsItShouldBe(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def told(text: str) -> None:
    """Say something at once, also into a pipe."""
    sys.stdout.write(f"  {text}{os.linesep}")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except NotAsItShouldBe as found:
        sys.stderr.write(f"prometheus-check: {found}\n")
        raise SystemExit(1) from None
