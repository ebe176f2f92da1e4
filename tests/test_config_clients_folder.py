"""Clients that stand in files of their own, in clients.d beside the main file."""

from pathlib import Path

import pytest

from reconciler.config import Mode, load_config, read_config
from reconciler.config.render import as_toml
from reconciler.errors import ConfigurationError
from tests.config_folder import ENVIRON, MINIMAL, Folder


class Agencies(Folder):
    """A folder with a configuration file and a clients.d."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.more = path / "clients.d"
        self.more.mkdir()

    def write(self, name: str, text: str) -> Path:
        file = self.more / name
        file.write_text(text, encoding="utf-8")
        return file


def of(name: str, mode: str = "plan") -> str:
    return MINIMAL.replace("acme", name).replace('"plan"', f'"{mode}"')


@pytest.fixture
def folder(tmp_path: Path) -> Agencies:
    return Agencies(tmp_path)


def test_clients_of_all_files_are_in_force_and_variables_win_over_them(folder: Agencies) -> None:
    folder.write("two.toml", of("beta") + of("gamma"))
    folder.write("one.toml", of("delta", "apply"))

    config = folder.load(MINIMAL, RECONCILER__CLIENTS__BETA__MODE="apply")

    assert {name: one.mode for name, one in config.clients.items()} == {
        "acme": Mode.PLAN,
        "delta": Mode.APPLY,
        "beta": Mode.APPLY,
        "gamma": Mode.PLAN,
    }


def test_the_main_file_need_not_hold_a_client(folder: Agencies) -> None:
    folder.write("beta.toml", of("beta"))

    assert folder.load("[daemon]\nworkers = 2").clients.keys() == {"beta"}


def test_other_endings_hidden_files_and_files_without_a_client_are_left_alone(folder: Agencies) -> None:
    for name in ("beta.toml.off", ".#beta.toml", "beta.toml~"):
        folder.write(name, of("beta"))
    folder.write("empty.toml", "# nothing yet\n")

    assert folder.load(MINIMAL).clients.keys() == {"acme"}


def test_a_name_given_twice_is_told_with_both_files(folder: Agencies) -> None:
    first, second = folder.write("a.toml", of("beta") + of("acme")), folder.write("b.toml", of("beta"))

    found = folder.problems(MINIMAL)

    assert found.keys() == {"clients.acme", "clients.beta"}
    assert f"{folder.file} and in {first};" in found["clients.acme"]
    assert f"{first} and in {second};" in found["clients.beta"]


def test_everything_that_is_wrong_in_any_file_is_told_at_once_with_the_file(folder: Agencies) -> None:
    beta = folder.write("beta.toml", of("beta", "aply") + '[daemon]\nschedule = "every 5 minutes"\n')
    gamma = folder.write("gamma.toml", 'mode = "plan"\n[clients.gamma\n')
    delta = folder.write("delta.toml", "clients = 3\n")
    folder.write("epsilon.toml", of("epsilon"))
    latin = folder.more / "zeta.toml"
    latin.write_bytes(b"# caf\xe9")
    (folder.more / "folder.toml").mkdir()

    found = folder.problems(MINIMAL + "[deamon]\n", RECONCILER__CLIENTS__EPSILON__MODE="aply")

    assert 'did you mean "apply"?' in found["clients.beta.mode"]
    assert found["clients.beta.mode"].endswith(f"(in {beta})")
    assert found["clients.epsilon.mode"].endswith("(environment variable RECONCILER__CLIENTS__EPSILON__MODE)")
    assert "only [clients.NAME]" in found[f"{beta}: daemon"]
    assert "must be a table" in found[f"{delta}: clients"]
    assert "UTF-8" in found[f"{latin}: the file"]
    assert "cannot be read" in found[f"{folder.more / 'folder.toml'}: the file"]
    (broken,) = (path for path in found if path.startswith(f"{gamma}: line 2"))
    assert "not TOML" in found[broken]
    assert 'did you mean "daemon"?' in found["deamon"]
    assert len(found) == 8


def test_a_broken_main_file_hides_no_broken_file_of_the_folder(folder: Agencies) -> None:
    beta = folder.write("beta.toml", "[")

    found = folder.problems("[")

    assert len(found) == 2
    assert any(path.startswith(f"{beta}: ") for path in found)


def test_a_secret_that_is_missing_is_told_with_its_file(folder: Agencies) -> None:
    beta = folder.write("beta.toml", of("beta").replace("OTYS_KEY", "BETA_KEY"))

    found = folder.problems(MINIMAL)

    assert found == {
        "clients.beta.otys.api_key": f"environment variable BETA_KEY is not set (in {beta})",
    }


def test_a_folder_that_cannot_be_read_is_a_problem_so_that_its_clients_do_not_leave(folder: Agencies) -> None:
    folder.more.rmdir()
    folder.more.write_text("", encoding="utf-8")
    folder.file.write_text(MINIMAL, encoding="utf-8")

    with pytest.raises(ConfigurationError) as refused:
        load_config(folder.file, ENVIRON)

    assert [(one.path, one.message) for one in refused.value.problems] == [
        (str(folder.more), "cannot be read: Not a directory")
    ]


def test_what_is_shown_names_the_file_of_each_client(folder: Agencies) -> None:
    beta = folder.write("beta.toml", of("beta"))
    folder.file.write_text(MINIMAL, encoding="utf-8")

    shown = as_toml(read_config(folder.file, ENVIRON)).splitlines()

    assert f"[clients.beta]  # from file {beta}" in shown
    assert "[clients.acme]" in shown
