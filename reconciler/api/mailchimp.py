"""Knows how to ask Mailchimp's Marketing API one thing: host, key, JSON, and errors as ours."""

import re
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import msgspec

from reconciler.api.decoding import Undecodable, decode
from reconciler.api.http import Answer, HttpClient, RequestNote, ServerFailed
from reconciler.api.mailchimp_errors import SYSTEM, error_of, seconds_to_wait
from reconciler.api.tape import Query, Tape
from reconciler.errors import CredentialsRejected, UnexpectedAnswer
from reconciler.stop import Stop

CONNECTIONS = 5  # of the ten that one key may hold open (facts/mailchimp.md, 5)
READ_TIMEOUT = 125.0  # the service itself gives a call up after 120 s (facts/mailchimp.md, 7)
SUCCESSES = range(200, 300)

_KEY = re.compile(r"[!-~]+")
_DATA_CENTRE = re.compile(r"-(?P<name>[a-z]+[0-9]+)$")
_MEMBER_IN_PATH = re.compile(r"(/members/)[^/]+")

T = TypeVar("T")


class Mailchimp:
    """One account. Safe to share between threads; close it when done."""

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = "",
        pause: Callable[[float], None] | None = None,
        stop: Stop | None = None,
        on_request: Callable[[RequestNote], None] | None = None,
        on_throttled: Callable[[str, float], None] | None = None,
    ) -> None:
        """Given a key, and a base URL unless the key names its data centre.

        Raise CredentialsRejected if the key cannot be one, before anything is asked.
        """
        self.base_url = (base_url or _base_url_of(_checked(api_key))).rstrip("/")
        self._http = HttpClient(
            SYSTEM,
            connections=CONNECTIONS,
            read_timeout=READ_TIMEOUT,
            auth=("reconciler", _checked(api_key)),
            pause=pause,
            stop=stop,
            on_request=on_request,
            on_throttled=on_throttled,
        )

    def read(
        self,
        path: str,
        kind: type[T],
        *,
        params: Mapping[str, str] | None = None,
        patient: bool = True,
        tape: Tape | None = None,
    ) -> T:
        """Given a path, return what stands there. Raise RemoteError if it cannot be had.

        An impatient read gives up at the first failure of the service, so that its caller can ask for less.
        A `tape` notes what was asked, and answers what was fetched ahead.
        """
        query = Query(path, msgspec.json.encode(params or {}), patient)

        def answer() -> Answer:
            return self.fetch(query) if tape is None else tape.answer(query, lambda: self.fetch(query))

        first = answer()
        try:
            return _decoded(first, kind, "GET", path)
        except UnexpectedAnswer:
            # A mangled answer is most often a passing trouble on the way, and a read may be repeated.
            return _decoded(answer(), kind, "GET", path)

    def fetch(self, query: Query) -> Answer:
        """Given a query, return the answer as it came. Raise RemoteError if it cannot be had."""
        params = msgspec.json.decode(query.arguments, type=dict[str, str])
        return self._send("GET", query.path, params=params, repeatable=query.patient)

    def write(
        self, method: str, path: str, body: object, kind: type[T], *, params: Mapping[str, str] | None = None
    ) -> T:
        """Given a write, return its answer. Raise RemoteError if it was refused or if nobody knows.

        Only a POST is never repeated by itself: the others leave the same behind however often they arrive.
        """
        answer = self._send(method, path, params=params, body=body, repeatable=method != "POST")
        return _decoded(answer, kind, method, path)

    def act(self, path: str) -> None:
        """Given the path of an action that may be repeated and answers nothing, take it.

        Raise RemoteError if it was refused or if nobody knows.
        """
        self._send("POST", path, repeatable=True)

    def delete(self, path: str) -> None:
        """Given a path, delete what stands there. Raise RemoteError if it was refused or if nobody knows."""
        self._send("DELETE", path, repeatable=True)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        repeatable: bool,
    ) -> Answer:
        try:
            answer = self._http.send(
                method,
                self.base_url + path,
                params=params,
                body=None if body is None else msgspec.json.encode(body),
                repeatable=repeatable,
                throttled=seconds_to_wait,
            )
        except ServerFailed as error:
            raise error_of(error.answer, _action(method, path)) from error
        if answer.status not in SUCCESSES:
            raise error_of(answer, _action(method, path))
        return answer


def audience_path(audience_id: str) -> str:
    """Given an audience's id, return its path. Raise UnexpectedAnswer if none could have that id."""
    return f"/lists/{_segment(audience_id)}"


def member_path(audience_id: str, key: str) -> str:
    """Given an audience's id and a member's id or contact id, return the member's path.

    Raise UnexpectedAnswer if none could have that id.
    """
    return f"{audience_path(audience_id)}/members/{_segment(key)}"


def _segment(name: str) -> str:
    # A path that ends in .. is that of the audience itself, and one that ends in nothing is that of all.
    if name.strip(".") == "":
        raise UnexpectedAnswer(SYSTEM, f"{name!r} can be the id of nothing, so nothing is asked of it")
    return quote(name, safe="")


def _checked(api_key: str) -> str:
    if not _KEY.fullmatch(api_key):
        raise CredentialsRejected(
            SYSTEM,
            "the API key is empty or holds characters no key has",
            advice="Copy the key again from Mailchimp: Profile, Extras, API keys.",
        )
    return api_key


def _base_url_of(api_key: str) -> str:
    data_centre = _DATA_CENTRE.search(api_key)
    if not data_centre:
        raise CredentialsRejected(
            SYSTEM,
            "the API key does not end with its data centre, such as -us6",
            advice="Copy the whole key, with its suffix, from Mailchimp: Profile, Extras, API keys.",
        )
    return f"https://{data_centre['name']}.api.mailchimp.com/3.0"


def _decoded(answer: Answer, kind: type[T], method: str, path: str) -> T:
    try:
        return decode(answer.body, kind)
    except Undecodable as error:
        raise UnexpectedAnswer(
            SYSTEM,
            f"the answer to {_action(method, path)} cannot be understood ({error})",
            advice="The next pass tries again. If it lasts, look whether a proxy answers in its place.",
        ) from None


def _action(method: str, path: str) -> str:
    """Name a request without naming a person: a member's id is a digest of the address."""
    return f"{method} " + _MEMBER_IN_PATH.sub(r"\1…", path)
