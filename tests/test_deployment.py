"""What the project ships to run the daemon: image, Compose file, systemd unit, and the page about them."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from reconciler import __version__
from reconciler.config import load_config
from reconciler.daemon.signals import LAST_WORDS
from tests.licences import EXTRAS, RUNTIME

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
UNIT = ROOT / "deploy" / "reconciler.service"
ALERTS = (ROOT / "config" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
LOCKS = ("requirements-runtime.lock", "requirements-build.lock")


class Service(msgspec.Struct):
    image: str
    profiles: list[str]
    cap_drop: list[str]
    security_opt: list[str]
    read_only: bool
    environment: dict[str, str] = {}
    volumes: list[str] = []
    ports: list[str] = []
    stop_grace_period: str = ""


class Compose(msgspec.Struct):
    services: dict[str, Service]
    volumes: dict[str, None]


COMPOSE = msgspec.yaml.decode((ROOT / "compose.yaml").read_bytes(), type=Compose)
EVERY_SERVICE = pytest.mark.parametrize("name", COMPOSE.services)


def locked(file: str) -> dict[str, str]:
    text = (ROOT / file).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("file", LOCKS)
def test_the_image_gets_the_versions_that_the_suite_runs_with(file: str) -> None:
    tested = locked("requirements.lock")

    assert locked(file)
    assert {name: tested.get(name) for name in locked(file)} == locked(file), "run `make lock`"


def test_the_image_gets_everything_the_program_needs_and_no_tool_of_its_developers() -> None:
    runtime = locked("requirements-runtime.lock")

    assert [one.name for one in (*RUNTIME, *EXTRAS) if one.name not in runtime] == [], "run `make lock`"
    assert {"pytest", "mypy", "ruff", "uv", "hatchling", "pip"} & runtime.keys() == set()


@pytest.mark.parametrize("file", LOCKS)
def test_every_package_of_the_image_is_checked_by_its_hash(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")

    assert re.findall(r"^\S+==[^\\\n]+$", text, re.MULTILINE) == []
    assert "--require-hashes" in DOCKERFILE
    assert "://" not in text


def test_the_image_is_labelled_with_the_version_in_it() -> None:
    assert re.findall(r"^ARG VERSION=(\S+)$", DOCKERFILE, re.MULTILINE) == [__version__]


def test_the_build_sees_only_what_the_dockerfile_copies() -> None:
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    }
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    assert "*" in rules
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied


@EVERY_SERVICE
def test_a_service_can_write_only_to_its_volumes_and_has_no_privilege(name: str) -> None:
    service = COMPOSE.services[name]

    assert service.read_only
    assert service.cap_drop == ["ALL"]
    assert service.security_opt == ["no-new-privileges:true"]


@EVERY_SERVICE
def test_only_this_machine_reaches_a_service(name: str) -> None:
    assert [port for port in COMPOSE.services[name].ports if not port.startswith("127.0.0.1:")] == []


@EVERY_SERVICE
def test_what_a_service_mounts_is_there(name: str) -> None:
    sources = [volume.split(":")[0] for volume in COMPOSE.services[name].volumes]

    assert [one for one in sources if one.startswith("./") and not (ROOT / one).exists()] == []
    assert [one for one in sources if not one.startswith("./") and one not in COMPOSE.volumes] == []


def test_the_sandbox_never_meets_the_state_or_the_configuration_of_real_clients() -> None:
    for service in COMPOSE.services.values():
        if service.image == "reconciler" and "sandbox" in service.profiles:
            assert service.volumes == ["sandbox:/state"]


def test_prometheus_finds_the_daemon_under_the_name_it_has_in_both_profiles() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    target = (ROOT / "config" / "prometheus" / "targets-compose.yml").read_text(encoding="utf-8")

    assert "reconciler:8080" in target
    assert "reconciler" in COMPOSE.services
    assert "aliases: [reconciler]" in text


def test_the_configuration_of_the_repository_works_in_compose_with_what_the_example_environment_names() -> (
    None
):
    named = re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE)
    environment = dict.fromkeys(named, "made-up") | COMPOSE.services["reconciler"].environment

    config = load_config(ROOT / "config" / "reconciler.toml", environment)

    assert not config.http.listen.is_loopback
    assert config.http.token is not None
    assert config.http.token.reveal() == "made-up"


def test_whoever_stops_the_daemon_waits_longer_than_its_grace_time() -> None:
    environment = {"EXAMPLE_OTYS_KEY": "made-up"}
    grace = load_config(ROOT / "config" / "reconciler.toml", environment).daemon.shutdown_grace
    waits = [
        int(COMPOSE.services["reconciler"].stop_grace_period.removesuffix("s")),
        int(unit("TimeoutStopSec")[:-1]),
    ]

    assert min(waits) > grace


def unit(key: str) -> str:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their capitals
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return parser["Service"][key]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed here")
def test_systemd_understands_the_unit_and_finds_little_that_it_may_do(tmp_path: Path) -> None:
    installed = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    installed.write_text(text.replace("/opt/reconciler/bin/reconciler", sys.executable), encoding="utf-8")

    verified = analyze("verify", str(installed))
    security = analyze("security", "--offline=true", "--threshold=20", str(installed))

    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    assert security.returncode == 0, security.stdout[-200:]


def analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("systemd-analyze") or ""
    return subprocess.run([program, *arguments], check=False, capture_output=True, text=True)


def test_the_page_tells_what_to_do_for_every_alert() -> None:
    told = re.findall(r"^\| `(Reconciler\w+)` \|", OPERATIONS, re.MULTILINE)

    assert sorted(told) == sorted(re.findall(r"- alert: (\w+)", ALERTS))


def test_the_page_tells_every_exit_code_of_the_daemon() -> None:
    table = OPERATIONS.partition("| exit code of `run` |")[2].partition("\n\n")[0]
    told = [
        int(code)
        for line in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
        for code in line.split(", ")
    ]

    assert told == [0, 1, 2, 75, LAST_WORDS + 2, LAST_WORDS + 15]
