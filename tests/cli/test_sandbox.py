"""`reconciler sandbox`: what somebody who starts it sees, can use, and finds again."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from reconciler.config import Config, load_config
from reconciler.sandbox import World
from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.save import save_world
from tests.cli.conftest import Run

PROGRAM = [sys.executable, "-c", "from reconciler.cli import main; main()", "sandbox"]


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox in a process of its own, and what it said about itself."""

    process: subprocess.Popen[str]
    facts: dict[str, str]

    def act(self, action: str, **arguments: str) -> object:
        """Given what somebody does, return what the control API says of it."""
        answer = requests.post(f"{self.facts['control_url']}{action}", json=arguments, timeout=10)
        answer.raise_for_status()
        return answer.json()["result"]

    def state(self) -> dict[str, list[dict[str, object]]]:
        """Return what the world holds."""
        answer = requests.get(f"{self.facts['control_url']}state", timeout=10)
        return dict(answer.json())

    def stop(self, number: int) -> int:
        """Given a signal, send it and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def config(self) -> Config:
        """Return the configuration it wrote."""
        return load_config(Path(self.facts["config"]), {})


@contextmanager
def sandbox(*arguments: str) -> Iterator[Running]:
    """Given arguments, yield the running command; it is ended whatever happens."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [*PROGRAM, "--json", *arguments], stdout=subprocess.PIPE, env=environ, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Running(process, json.loads(process.stdout.readline()))
        finally:
            process.kill()


ANY_PORTS = ("--otys-port", "0", "--mailchimp-port", "0")


def ports_of(config: Config) -> tuple[str, str]:
    client = config.clients["werkpunt"]
    assert client.otys is not None
    return client.otys.endpoint, client.mailchimp.base_url or ""


def test_a_world_named_by_its_name_is_forgotten(folder: Path) -> None:
    with sandbox("--world", "small", *ANY_PORTS) as forgotten:
        assert len(forgotten.state()["lists"]) == 6
        assert forgotten.stop(signal.SIGINT) == 0
    assert not Path(forgotten.facts["config"]).exists()
    assert not list(folder.iterdir())


def test_a_world_in_a_folder_goes_on_where_it_was_at_the_same_addresses(folder: Path) -> None:
    save_world(folder / "kept", World.small(), SandboxClock())
    with sandbox("--world", "kept", *ANY_PORTS) as first:
        uid = first.act("otys/create_list", name="Nieuw in de zandbak")
        addresses = ports_of(first.config())
        assert addresses == (first.facts["otys_url"], first.facts["mailchimp_url"])
        assert first.stop(signal.SIGTERM) == 0

    with sandbox("--world", "kept") as second:
        assert uid in [one["uid"] for one in second.state()["lists"]]
        assert ports_of(second.config()) == addresses
        assert second.stop(signal.SIGTERM) == 0


def test_the_configuration_it_writes_can_be_used_and_edited_and_follows_the_ports(
    run: Run, folder: Path
) -> None:
    save_world(folder / "kept", World.empty(), SandboxClock())
    file = folder / "kept" / "reconciler.toml"
    with sandbox("--world", "kept", *ANY_PORTS):
        pass
    file.write_text(f"# mine\n{file.read_text()}")
    with sandbox("--world", "kept", *ANY_PORTS) as running:
        checked = run("--config", str(file), "config", "check")
        assert checked.code == 0
        assert checked.out.splitlines() == [f"ok: {file}: 1 client (1 in apply mode)"]
        assert ports_of(running.config()) == (running.facts["otys_url"], running.facts["mailchimp_url"])
    assert file.read_text().startswith("# mine\n")
    assert str(folder / "kept" / "state") in file.read_text()


def test_what_it_prints_for_people_names_addresses_keys_and_the_next_command(folder: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "--world", "small", *ANY_PORTS],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        text=True,
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not any("Ctrl-C" in line for line in lines):
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    shown = "".join(lines)
    assert "jservice.php" in shown
    assert "/3.0" in shown
    assert "sandbox-otys-key" in shown
    assert "5 of them flagged" in shown
    assert "reconciler --config" in shown
    assert "\x1b" not in shown
    assert rest == "Stopped. The world is forgotten.\n"
    assert process.returncode == 0
    assert folder.is_dir()


def test_a_new_folder_starts_with_the_world_of_the_demo(folder: Path) -> None:
    with sandbox("--world", "new", *ANY_PORTS) as running:
        assert running.facts["folder"] == "new"
        assert len(running.state()["lists"]) == 254
        assert running.stop(signal.SIGTERM) == 0
    assert (folder / "new" / "world.json.gz").is_file()


def test_a_port_that_is_taken_is_named_with_what_to_do(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("sandbox", "--world", "small", "--otys-port", port, "--mailchimp-port", "0")
    assert ended.code == 1
    assert port in ended.err
    assert "--otys-port" in ended.err
    assert "Traceback" not in ended.err


def test_a_folder_with_another_configuration_is_left_alone(run: Run, folder: Path) -> None:
    run("config", "init", "--path", "reconciler.toml")
    before = (folder / "reconciler.toml").read_text()
    ended = run("sandbox", "--world", ".", *ANY_PORTS)
    assert ended.code == 1
    assert "is not the configuration of a sandbox" in ended.err
    assert (folder / "reconciler.toml").read_text() == before
    assert [path.name for path in folder.iterdir()] == ["reconciler.toml"]


def test_a_file_in_place_of_the_folder_or_the_world_is_told(run: Run, folder: Path) -> None:
    (folder / "file").write_text("text")
    assert "The folder file cannot hold a sandbox" in run("sandbox", "--world", "file").err
    (folder / "broken").mkdir()
    (folder / "broken" / "world.json.gz").write_text("text")
    ended = run("sandbox", "--world", "broken", *ANY_PORTS)
    assert ended.code == 1
    assert "is not a sandbox world" in ended.err
