"""Builds the image and runs it as compose.yaml says, on made-up data: `make image-check`.

It needs root and Debian's packages buildah, debootstrap and runc, so it is no part of the suite. Says what it
saw; exits with 1 if something is not as it should be, and with 2 without what it needs.
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from tests.image.building import BASE, IMAGE, ROOT, ImageConfig, Workshop
from tests.image.containers import Container, Wanted, running

PROGRAMS: Final = ("buildah", "debootstrap", "runc")
USER: Final = 10001
LARGEST_MB: Final = 150
PATIENCE: Final = 120.0
GRACE: Final = 45.0

PROVES: Final = """
This proves: the Dockerfile builds from the two locks, hashes checked; the image runs as it says it does, by
the program that runs containers under Docker, too (runc); it needs no root, no capability and no writable
place but /state and /tmp; it stops in time, records what it did and goes on after a restart.
It does not prove: that it builds on python:3.11-slim-bookworm (another Python 3.11, on the same Debian),
that BuildKit reads the Dockerfile like buildah does, or what only a Docker engine or a registry can show:
pulling, publishing ports, restarts, and Prometheus and Grafana beside it.
"""

WRITABLE: Final = """
import os
for folder, below, _ in os.walk("/"):
    if folder == "/":
        below[:] = {*below} - {"dev", "proc", "sys"}
    if os.access(folder, os.W_OK):
        print(folder)
        below.clear()
"""


class Service(msgspec.Struct, frozen=True):
    """What compose.yaml says about a service, as far as it matters here."""

    command: list[str] = []
    environment: dict[str, str] = {}
    read_only: bool = False
    tmpfs: list[str] = []


class Event(msgspec.Struct):
    event: str


class Compose(msgspec.Struct, frozen=True):
    services: dict[str, Service]


def main() -> int:
    """Return the exit code."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        say(f"make image-check needs root and, on Debian: apt-get install {' '.join(PROGRAMS)}")
        return 2
    workshop = Workshop(ROOT / "build" / "image-check")
    say("Making a base of Debian and its Python, once (about a minute) …")
    say("  made" if workshop.make_base() else "  it is there already")
    say("Building the Dockerfile on it (one or two minutes) …")
    workshop.build()
    verdict = Verdict()
    image = workshop.image_config()
    look_at(image, verdict)
    with workshop.root_of(BASE) as base, workshop.root_of(IMAGE) as root:
        weigh(size_of(base), size_of(root), verdict)
        look_into(root, verdict)
        run(image, root, workshop.place, verdict)
    say(PROVES)
    return verdict.exit_code()


class Verdict:
    """What was seen, said line by line."""

    def __init__(self) -> None:
        self._failed = 0

    def __call__(self, claim: str, *, true: bool, otherwise: object = "") -> None:
        """Given a claim and whether it is true, say so."""
        self._failed += not true
        say(f"  ok    {claim}" if true else f"  FAIL  {claim}  {otherwise}")

    def exit_code(self) -> int:
        """Say the number of failures and return what that means for whoever started this."""
        say("The image is as it should be." if not self._failed else f"{self._failed} claims are not true.")
        return 1 if self._failed else 0


def look_at(image: ImageConfig, verdict: Verdict) -> None:
    say("What the image says about itself:")
    verdict(f"it runs as user {USER}", true=image.user == f"{USER}:{USER}", otherwise=image.user)
    verdict("it starts `reconciler run`", true=image.entrypoint + image.cmd == ["reconciler", "run"])
    verdict("SIGTERM stops it", true=image.stop_signal == "SIGTERM", otherwise=image.stop_signal)
    verdict("/config and /state are volumes", true=set(image.volumes) == {"/config", "/state"})
    verdict("it asks for its own health", true=image.healthcheck.test[0] == "CMD")


def weigh(base: int, whole: int, verdict: Verdict) -> None:
    added = (whole - base) / 1e6
    claim = f"it adds {added:.0f} MB to its base, uncompressed; {LARGEST_MB} MB are allowed"
    verdict(claim, true=added <= LARGEST_MB)


def look_into(root: Path, verdict: Verdict) -> None:
    left = [name for name in ("etc/pip.conf", "run/secrets", "build") if (root / name).exists()]
    verdict("nothing of the build is left in it", true=not left, otherwise=left)
    state = (root / "state").stat()
    verdict("/state belongs to the user alone", true=(state.st_uid, state.st_mode & 0o777) == (USER, 0o700))


def run(image: ImageConfig, root: Path, place: Path, verdict: Verdict) -> None:
    compose = msgspec.yaml.decode((ROOT / "compose.yaml").read_bytes(), type=Compose)
    with folders(place) as (bundles, config, state):

        def wanted(name: str, network_of: Container | None = None) -> Wanted:
            service = compose.services[name]
            return Wanted(
                root=root,
                command=[*image.entrypoint, *(service.command or image.cmd)],
                environment=[*image.env, *(f"{key}={value}" for key, value in service.environment.items())],
                user=USER,
                working_folder=image.working_dir,
                read_only=service.read_only,
                temporary=service.tmpfs,
                volumes={"/config": (config, "ro"), "/state": (state, "rw")},
                network_of=network_of,
            )

        say("The sandbox of compose.yaml, in the image:")
        with running("sandbox", wanted("sandbox"), bundles) as sandbox:
            written = state / "sandbox" / "reconciler.toml"
            wait_for(written.exists, sandbox, "the sandbox writes the daemon's configuration")
            say("The daemon of compose.yaml beside it:")
            with running("daemon", wanted("sandbox-reconciler", sandbox), bundles) as daemon:
                observe(daemon, image, verdict)
                stop(daemon, "SIGTERM ends it", verdict)
            with running("again", wanted("sandbox-reconciler", sandbox), bundles) as again:
                wait_for(lambda: again.ask("/livez")[0] == 200, again, "it starts again on the same state")
                verdict("it starts again on the same state", true=True)
                stop(again, "SIGTERM as soon as it answers ends it", verdict)
            stop(sandbox, "SIGTERM ends the sandbox", verdict)


def observe(daemon: Container, image: ImageConfig, verdict: Verdict) -> None:
    started = time.monotonic()
    wait_for(lambda: daemon.ask("/readyz")[0] == 200, daemon, "/readyz answers 200")
    verdict(f"/readyz answers 200 after {time.monotonic() - started:.0f} s", true=True)
    health = daemon.run(*image.healthcheck.test[1:])
    verdict("the image's own health check passes", true=health.returncode == 0, otherwise=health.stderr)
    _, metrics = daemon.ask("/metrics")
    verdict("/metrics counts a pass", true='reconciler_passes_total{client="werkpunt"' in metrics)
    status = daemon.run("reconciler", "status")
    verdict("`reconciler status` works beside it", true=status.returncode in (0, 3), otherwise=status.stderr)
    facts = dict(line.split(":", 1) for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines())
    verdict(
        f"its user and group are {USER}", true={*facts["Uid"].split(), *facts["Gid"].split()} == {f"{USER}"}
    )
    verdict("it has no capability", true=int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0)
    verdict("it can get no new ones", true=facts["NoNewPrivs"].strip() == "1")
    writable = sorted(daemon.run("python", "-c", WRITABLE).stdout.split())
    verdict(
        "of all folders outside /dev only /state and /tmp can be written",
        true=writable == ["/state", "/tmp"],  # noqa: S108 - the container's own
        otherwise=writable,
    )
    verdict("its log is JSON, a line an event", true=all(map(is_event, daemon.output.splitlines())))
    verdict("its log holds no address", true="@" not in daemon.output)
    say(f"        it took up to {int(facts['VmHWM'].split()[0]) / 1000:.0f} MB of memory")


def is_event(line: str) -> bool:
    """Return whether a line of the log is a JSON object that names an event."""
    try:
        return msgspec.json.decode(line, type=Event).event != ""
    except msgspec.DecodeError:
        return False


def stop(container: Container, claim: str, verdict: Verdict) -> None:
    started = time.monotonic()
    container.send("TERM")
    code = container.process.wait(GRACE)
    verdict(
        f"{claim} with exit code 0, after {time.monotonic() - started:.1f} s",
        true=code == 0,
        otherwise=f"exit code {code}\n{container.output[-2000:]}",
    )


@contextmanager
def folders(place: Path) -> Iterator[tuple[Path, Path, Path]]:
    """Yield folders for the containers, the configuration, and the state, which is the user's own."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        bundles, config, state = (Path(name, part) for part in ("bundles", "config", "state"))
        for folder in (bundles, config, state):
            folder.mkdir()
        state.chmod(0o700)
        os.chown(state, USER, USER)
        yield bundles, config, state


def wait_for(true: Callable[[], bool], container: Container, what: str) -> None:
    """Wait until it is true; raise SystemExit, with what the container wrote, if it does not become so."""
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end or container.process.poll() is not None:
            raise SystemExit(f"  FAIL  {what}\n{container.output[-4000:]}")
        time.sleep(0.3)


def size_of(root: Path) -> int:
    """Return the bytes of every file below a folder, as a layer holds them."""
    return sum(file.lstat().st_size for file in root.rglob("*") if file.is_file() or file.is_symlink())


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
