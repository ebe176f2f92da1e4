"""`reconciler demo`: the story comes true, and the world it leaves can be worked on."""

import re
from pathlib import Path

import pytest

from reconciler.demo.event import Event, Expected, Side
from reconciler.demo.folder import HEADLINE
from reconciler.demo.story import Story
from reconciler.model import Verb
from tests.cli.conftest import Run
from tests.cli.test_sandbox import sandbox

SMALL = ("--scale", "0.02")


def test_the_story_comes_true_and_the_world_it_leaves_goes_on(run: Run, folder: Path) -> None:
    left = folder / "demo-world"
    (left / "state").mkdir(parents=True)
    (left / "reconciler.toml").write_text(f"# {HEADLINE}\nof an earlier demo")
    (left / "state" / "reconciler.db").write_text("of an earlier demo")
    (left / "notes.txt").write_text("of a reader")

    told = run("demo", *SMALL)

    assert told.code == 0, told.out + told.err
    assert told.err == ""
    assert len(re.findall("^ ?\\d+  ✓ ", told.out, re.MULTILINE)) == 13
    assert "✗" not in told.out
    assert "0 writing requests" in told.out
    assert "\x1b" not in told.out
    assert [
        line for line in told.out.splitlines() if len(line) > 80 and "reconciler --config" not in line
    ] == []
    assert (left / "notes.txt").read_text() == "of a reader"

    program = ("--config", "demo-world/reconciler.toml")
    approve = re.findall(r"reconciler --config demo-world/reconciler\.toml approve (\w+)", told.out)
    unsubscribed = re.findall(r"explain (\S+)", told.out)
    with sandbox("--world", "demo-world") as running:
        assert run(*program, "plan").code == 3
        assert "unsubscribed" in run(*program, "explain", unsubscribed[0]).out
        assert run(*program, "approve", approve[-1]).code == 0
        assert run(*program, "once").code == 0
        contacts = {str(one["name"]): one["contacts"] for one in running.state()["audiences"]}
    assert contacts["Zzp'ers IT landelijk"] == {"archived": 501}
    assert "Deelnemers workshop solliciteren" not in contacts


def test_an_expectation_that_does_not_come_true_is_shown_and_ends_with_1(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impossible = Event(
        side=Side.OTYS,
        told="Nothing happens.",
        expected="Somebody is added all the same.",
        demands=(Expected("nowhere", Verb.ADD, "nobody@mailhuis.nl"),),
        true_afterwards=lambda: True,
    )
    monkeypatch.setattr(Story, "events", lambda _: (lambda: impossible,))
    told = run("demo", "--folder", str(folder / "elsewhere"), *SMALL)
    assert told.code == 1
    assert "✗ Somebody is added all the same." in told.out
    assert "there was no add" in told.out


@pytest.mark.parametrize("kept", ["reconciler.toml", "letter.txt"])
def test_a_folder_that_is_not_the_demos_is_refused_and_left_alone(run: Run, folder: Path, kept: str) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / kept).write_text("mine")
    refused = run("demo", "--folder", "mine")
    assert refused.code == 2
    assert "was not made by the demo" in " ".join(refused.err.split())
    assert [path.name for path in (folder / "mine").iterdir()] == [kept]
    assert (folder / "mine" / kept).read_text() == "mine"


def test_a_folder_that_a_sandbox_serves_is_refused(run: Run, folder: Path) -> None:
    with sandbox("--world", "served", "--otys-port", "0", "--mailchimp-port", "0"):
        config = folder / "served" / "reconciler.toml"
        config.write_text(f"# {HEADLINE}\n{config.read_text()}")
        refused = run("demo", "--folder", "served")
    assert refused.code == 1
    assert "another sandbox runs on it" in refused.err
    assert config.read_text().startswith(f"# {HEADLINE}")


def test_a_file_in_place_of_the_folder_is_refused(run: Run, folder: Path) -> None:
    (folder / "file").write_text("text")
    refused = run("demo", "--folder", "file")
    assert refused.code == 2
    assert "is a file" in " ".join(refused.err.split())
