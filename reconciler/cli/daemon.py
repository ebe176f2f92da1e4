"""Knows how a command speaks to the running daemon: over its HTTP port, with the configured token."""

import ipaddress
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec
import requests

from reconciler.config import Config, Listen
from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.errors import Problem as ConfigurationProblem
from reconciler.web.answers import AskedPass, AskedPasses, Lists, PassAnswer
from reconciler.web.problem import Problem

TIMEOUT: Final = (5, 60)
"""Seconds to connect and to wait for an answer."""
_UNAUTHORIZED: Final = 401

Shape = TypeVar("Shape", bound=msgspec.Struct)


class NoDaemon(ReconcilerError):
    """Nothing that speaks as the daemon does answers at its address."""

    advice = "Start it with `reconciler run`, or run a pass without it: `reconciler once`."


class RefusedByDaemon(ReconcilerError):
    """The daemon answers, and does not do what was asked."""


class RunningDaemon:
    """The daemon that the configuration leads to."""

    def __init__(self, config: Config) -> None:
        """Given the configuration, be ready to ask. Raise ConfigurationError if it names no token."""
        if config.http.token is None:
            missing = "is missing: the daemon starts a pass only for whoever shows the token"
            raise ConfigurationError([ConfigurationProblem("http.token", missing)])
        self._base = base_url(config.http.listen)
        self._session = requests.Session()
        self._session.trust_env = False  # the daemon is near: no proxy, and no password from ~/.netrc
        self._session.headers["Authorization"] = f"Bearer {config.http.token.reveal()}"

    def ask(self, *, client: str | None, list_uid: str | None, full: bool) -> tuple[AskedPass, ...]:
        """Given a client (None: all) and perhaps one list of it, ask for a pass and return which it is.

        A `full` one reads every list whole.
        """
        wanted: dict[str, str | bool] = {
            name: value for name, value in (("client", client), ("list", list_uid)) if value is not None
        }
        if full:
            wanted["full"] = True
        return tuple(self._call("POST", "/api/v1/reconcile", AskedPasses, body=wanted).passes)

    def one_pass(self, pass_id: int) -> PassAnswer:
        """Given a pass, return where it stands."""
        return self._call("GET", f"/api/v1/passes/{pass_id}", PassAnswer)

    def lists(self, client: str) -> Lists:
        """Given a client, return its lists as OTYS shows them."""
        return self._call("GET", "/api/v1/lists", Lists, query={"client": client})

    def _call(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        *,
        body: Mapping[str, str | bool] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Shape:
        """Raise NoDaemon or RefusedByDaemon when the answer is not what was asked for."""
        try:
            answer = self._session.request(
                method, f"{self._base}{path}", json=body, params=query, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            raise NoDaemon(f"No daemon answers at {self._base} ({type(error).__name__}).") from None
        try:
            if answer.ok:
                return msgspec.json.decode(answer.content, type=shape)
            refusal = msgspec.json.decode(answer.content, type=Problem)
        except msgspec.MsgspecError:
            raise NoDaemon(
                f"What answers at {self._base} is not this version of the daemon (HTTP {answer.status_code})."
            ) from None
        advice = refusal.advice
        if answer.status_code == _UNAUTHORIZED:
            advice = "The daemon runs with another token: let it reload the configuration (SIGHUP)."
        raise RefusedByDaemon(f"The daemon refuses: {refusal.detail}", advice=advice)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._session.close()


def base_url(listen: Listen) -> str:
    """Given where the daemon listens, return where to find it: what listens everywhere is found here too."""
    try:
        address = ipaddress.ip_address(listen.host)
    except ValueError:
        return f"http://{listen}"
    if address.is_unspecified:
        return f"http://{Listen('127.0.0.1' if address.version == 4 else '::1', listen.port)}"  # noqa: PLR2004 - IPv4
    return f"http://{listen}"
