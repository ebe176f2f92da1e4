"""A folder with a configuration file, for the tests that read one."""

import json
import traceback
from pathlib import Path

import pytest

from reconciler.config import Config, load_config
from reconciler.errors import ConfigurationError

SECRET = "s3cr3t-0123456789"
MINIMAL = '[clients.acme]\nmode = "plan"\n[clients.acme.otys]\napi_key = { env = "OTYS_KEY" }\n'
ENVIRON = {"OTYS_KEY": SECRET}


class Folder:
    """A folder with a configuration file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "reconciler.toml"

    def load(self, text: str, **environ: str) -> Config:
        self.file.write_text(text, encoding="utf-8")
        return load_config(self.file, ENVIRON | environ)

    def problems(self, text: str, **environ: str) -> dict[str, str]:
        """Return the problems' messages by path; fail if there are none, or if one shows the secret."""
        with pytest.raises(ConfigurationError) as refused:
            self.load(text, **environ)
        found: dict[str, str] = {}
        for problem in refused.value.problems:
            found[problem.path] = "; ".join(filter(None, (found.get(problem.path), problem.message)))
        assert SECRET not in json.dumps(found) + "".join(traceback.format_exception(refused.value))
        return found
