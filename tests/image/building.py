"""Builds the image without a Docker engine or a registry: debootstrap makes a base, buildah does the rest."""

import ast
import configparser
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[2]
RELEASE: Final = "bookworm"
BASE: Final = f"localhost/debian-python:{RELEASE}"
IMAGE: Final = "localhost/reconciler:check"

_PACKAGES: Final = "python3,python3-venv,ca-certificates"
_PIP_SETTINGS: Final = {"index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout"}


class HealthCheck(msgspec.Struct, frozen=True, rename="pascal"):
    test: list[str]


class ImageConfig(msgspec.Struct, frozen=True, rename="pascal"):
    """What the image says about itself."""

    user: str
    env: list[str]
    entrypoint: list[str]
    cmd: list[str]
    volumes: Mapping[str, object]
    working_dir: str
    stop_signal: str
    healthcheck: HealthCheck
    labels: Mapping[str, str]


class _Docker(msgspec.Struct, frozen=True):
    config: ImageConfig


class _Inspected(msgspec.Struct, frozen=True, rename="pascal"):
    docker: _Docker


class Workshop:
    """A folder with buildah's own storage, so that nothing else on this machine is touched."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)

    def make_base(self) -> bool:
        """Make the base image from Debian's packages; return whether it was not there yet."""
        if self._exists(BASE):
            return False
        with tempfile.TemporaryDirectory(dir=self.place) as scratch:
            tree = Path(scratch) / "tree"
            mirror = [os.environ["DEBIAN_MIRROR"]] if "DEBIAN_MIRROR" in os.environ else []
            _run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", RELEASE, str(tree), *mirror)
            container = self._buildah("from", "scratch")
            self._buildah("copy", "--quiet", container, str(tree), "/")
            self._buildah("commit", "--quiet", "--rm", container, BASE)
        return True

    def build(self) -> None:
        """Build the Dockerfile on the base, anew."""
        if self._exists(IMAGE):
            self._buildah("rmi", "--force", IMAGE)
        with _pip_secrets(self.place) as secrets:
            self._buildah(
                "build",
                "--format=docker",
                "--isolation=chroot",
                f"--build-arg=BASE={BASE}",
                *secrets,
                f"--tag={IMAGE}",
                str(ROOT),
            )

    def image_config(self) -> ImageConfig:
        """Return what the image says about itself."""
        inspected = self._buildah("inspect", "--type=image", IMAGE)
        return msgspec.json.decode(inspected, type=_Inspected).docker.config

    @contextmanager
    def root_of(self, image: str) -> Iterator[Path]:
        """Given an image, yield the folder with its files for as long as it is wanted."""
        container = self._buildah("from", "--pull-never", image)
        try:
            yield Path(self._buildah("mount", container))
        finally:
            self._buildah("rm", container)

    def _exists(self, image: str) -> bool:
        return image in self._buildah("images", "--format={{.Name}}:{{.Tag}}").split()

    def _buildah(self, *arguments: str) -> str:
        store = (f"--root={self.place / 'store'}", f"--runroot={self.place / 'run'}")
        return _run("buildah", *store, "--storage-driver=vfs", *arguments)


@contextmanager
def _pip_secrets(place: Path) -> Iterator[Sequence[str]]:
    """Yield the options that hand the build this machine's pip settings without leaving them in an image."""
    settings = _pip_settings()
    with tempfile.TemporaryDirectory(dir=place) as folder:
        options = []
        certificates = settings.pop("cert", "")
        if certificates:
            shutil.copyfile(certificates, Path(folder) / "ca.crt")
            options.append(f"--secret=id=ca.crt,src={folder}/ca.crt")
            settings["cert"] = "/run/secrets/ca.crt"
        written = configparser.ConfigParser(interpolation=None)
        written["global"] = settings
        with (Path(folder) / "pip.conf").open("w", encoding="utf-8") as file:
            written.write(file)
        yield [*options, f"--secret=id=pip.conf,src={folder}/pip.conf"]


def _pip_settings() -> dict[str, str]:
    """What pip is told here by its files and its environment, but for what lies on this machine's disk."""
    listed = _run(sys.executable, "-m", "pip", "config", "list")
    settings = {}
    for line in listed.splitlines():
        key, _, quoted = line.partition("=")
        name = key.rpartition(".")[2]
        words = [word for word in str(ast.literal_eval(quoted)).split() if not word.startswith("file:")]
        if words and name in {*_PIP_SETTINGS, "cert"}:
            settings[name] = " ".join(words)
    return settings


def _run(*command: str) -> str:
    try:
        return subprocess.run(command, check=True, text=True, capture_output=True).stdout.strip()
    except subprocess.CalledProcessError as failed:
        said = f"{failed.stdout}\n{failed.stderr}".strip().splitlines()[-25:]
        raise SystemExit("\n".join([f"{' '.join(command[:1])} failed:", *said])) from failed
