"""Knows the configuration with which `reconciler` works on a sandbox, kept in the sandbox's own folder."""

import re
import socket
from pathlib import Path
from typing import NamedTuple

from reconciler.config.render import toml
from reconciler.sandbox.facade import Sandbox

FILE_NAME = "reconciler.toml"
STATE_FOLDER = "state"
CLIENT = "werkpunt"
_OTYS_ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):(\d+)/jservice\.php")
_MAILCHIMP_ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):(\d+)/3\.0")

_TEMPLATE = """\
# {headline}
# It leads to the sandbox of this folder, which `reconciler sandbox --world` and the folder's name start.

[state]
url = {state}

[clients.{client}]
mode = "apply"

[clients.{client}.otys]
endpoint = "{otys_url}"
api_key = {otys_key}

[clients.{client}.mailchimp]
# No key: it is read from OTYS, setting 3111.
base_url = "{mailchimp_url}"

[clients.{client}.mailchimp.audience_defaults]
company = "Werkpunt Recruitment B.V."
address1 = "Stationsplein 1"
city = "Utrecht"
country = "NL"
from_name = "Werkpunt Recruitment"
from_email = "nieuws@werkpunt-recruitment.nl"
subject = "Nieuws van Werkpunt"

[clients.{client}.limits]
# So that nobody has to wait a day for a deleted list. The defaults are 3 snapshots and 24 hours.
grace_snapshots = 1
grace_hours = 0
"""


class Ports(NamedTuple):
    """Where both services listen; 0: on any port that is free."""

    otys: int
    mailchimp: int


_PREFERRED = Ports(8101, 8102)


def write_configuration(folder: Path, sandbox: Sandbox, *, headline: str) -> Path:
    """Given a folder and a running sandbox, return the configuration there, which leads to the sandbox.

    In one that is there already only the addresses are corrected; whatever else was edited stays.
    """
    file = folder / FILE_NAME
    if file.exists():
        text = _OTYS_ADDRESS.sub(sandbox.otys_url, file.read_text(encoding="utf-8"))
        text = _MAILCHIMP_ADDRESS.sub(sandbox.mailchimp_url, text)
    else:
        text = _TEMPLATE.format(
            headline=headline,
            client=CLIENT,
            state=toml(f"sqlite:///{(folder / STATE_FOLDER).resolve()}/reconciler.db"),
            otys_url=sandbox.otys_url,
            otys_key=toml(sandbox.world.otys_api_key),
            mailchimp_url=sandbox.mailchimp_url,
        )
    file.write_text(text, encoding="utf-8")
    return file


def choose_ports(configured: Ports | None, *, otys: int | None = None, mailchimp: int | None = None) -> Ports:
    """Given the ports that a configuration names and those that were asked for, return where to listen."""
    if configured is None:
        configured = Ports(*(port if _is_free(port) else 0 for port in _PREFERRED))
    return Ports(
        configured.otys if otys is None else otys, configured.mailchimp if mailchimp is None else mailchimp
    )


def configured_ports(folder: Path) -> Ports | None:
    """Given a folder, return the ports that its configuration names, None if it has no configuration.

    Raise ValueError if the configuration leads to something else than a sandbox.
    """
    file = folder / FILE_NAME
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8")
    otys, mailchimp = _OTYS_ADDRESS.search(text), _MAILCHIMP_ADDRESS.search(text)
    if otys is None or mailchimp is None:
        raise ValueError(f"{file} is not the configuration of a sandbox; choose another folder")
    return Ports(int(otys[1]), int(mailchimp[1]))


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
