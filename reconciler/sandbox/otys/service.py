"""OTYS Web Services on one tenant's state: what each call of facts/otys.md answers."""

import re

import msgspec

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.faults import Fault, FaultKind, Faults
from reconciler.sandbox.otys import envelope, sessions
from reconciler.sandbox.otys.envelope import BatchItem, Call
from reconciler.sandbox.otys.errors import (
    MissingResult,
    OtysRefusal,
    UnreadableField,
    bad_arguments,
    session_expired,
)
from reconciler.sandbox.otys.fields import Record
from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.otys.listing import (
    ListArguments,
    PageFaults,
    bare_rows,
    extended_rows,
    read_arguments,
    read_detail,
    read_page,
)
from reconciler.sandbox.otys.rate import Allowance, RateLimit
from reconciler.sandbox.otys.services import MAILING_LISTS, PEOPLE_SERVICES, RECIPIENTS, ListedService
from reconciler.sandbox.otys.settings import get_value
from reconciler.sandbox.otys.state import OtysState
from reconciler.sandbox.otys.updates import update
from reconciler.sandbox.otys.webhooks import answer_webhooks
from reconciler.sandbox.service import Reply, Request

PATH = "/jservice.php"
MULTI = f"{envelope.SERVICES_PREFIX}MultiService.execute"
PEOPLE = {service.name: service for service in PEOPLE_SERVICES}


class OtysService:
    """One tenant's POST /jservice.php."""

    name = "otys"
    simultaneous_requests: int | None = None

    def __init__(self, state: OtysState, clock: SandboxClock, faults: Faults) -> None:
        self.state = state
        self._clock = clock
        self._faults = faults
        self._rate = RateLimit(clock)

    def operation(self, request: Request) -> str:
        """Given a request, return the method it calls, seen through LanguageService.wrapRequest."""
        try:
            return envelope.unwrapped(envelope.read_call(request.body)).method
        except OtysRefusal:
            return ""

    def too_many_requests(self) -> Reply:
        """Return the answer to a key that has used up its minute."""
        return self._blocked(Allowance(allowed=False, remaining=0, seconds_left=60))

    def answer(self, request: Request) -> Reply:
        """Given a request, return the answer: HTTP 200 for every call, refused or not."""
        if request.path != PATH:
            return Reply(
                404, b"<html><body><h1>Not Found</h1></body></html>", (("Content-Type", "text/html"),)
            )
        if request.method != "POST":
            return Reply(405, b"", (("Allow", "POST"),))
        try:
            outer = envelope.read_call(request.body)
            weight = self._weight_of(outer)
        except OtysRefusal as refusal:
            return _json(envelope.error_body(None, refusal), ())
        allowance = self._rate.spend(self._key_of(outer), weight, self.state.switches)
        if not allowance.allowed:
            return self._blocked(allowance)
        try:
            body = envelope.result_body(outer.id, self._execute(envelope.unwrapped(outer)))
        except OtysRefusal as refusal:
            body = envelope.error_body(outer.id, refusal)
        except MissingResult:
            body = envelope.empty_body(outer.id)
        return _json(body, allowance.headers())

    def _execute(self, call: Call) -> Json:
        if self._strikes(FaultKind.MISSING_RESULT, call):
            raise MissingResult
        if self._strikes(FaultKind.IN_BAND_ERROR, call):
            return {"status": "error", "message": "Internal error, please try again"}
        if call.method == MULTI:
            return self._execute_batch(call)
        if "." in call.method:
            self._require_session(call)
            return self._execute_service(call)
        return self._execute_session_method(call)

    def _execute_session_method(self, call: Call) -> Json:
        first = call.params[0] if call.params else None
        now = self._clock.now()
        match call.method:
            case "loginByUid":
                return sessions.log_in_with_key(self.state, first, now)
            case "login":
                password = call.params[1] if len(call.params) > 1 else None
                return sessions.log_in_with_password(self.state, first, password, now)
            case "check":
                return self._check(call)
            case "logout":
                sessions.end(self.state, first)
                return True
            case _:
                raise _no_such_method(call.method)

    def _execute_batch(self, call: Call) -> Json:
        items = _batch_items(call)
        if isinstance(items, dict):
            return {name: self._batch_answer(item) for name, item in items.items()}
        return [self._batch_answer(item) for item in items]

    def _batch_answer(self, item: BatchItem) -> Json:
        try:
            return {"status": "success", "data": self._execute(Call(method=item.method, params=item.args))}
        except OtysRefusal as refusal:
            return {"status": "error", "code": refusal.code, "message": refusal.message}

    def _check(self, call: Call) -> Json:
        try:
            self._require_session(call)
        except OtysRefusal:
            return False
        return sessions.describe_user(self.state)

    def _require_session(self, call: Call) -> None:
        session_id = call.params[0] if call.params else None
        sessions.require_session(self.state, session_id, self._clock.now())
        if self._strikes(FaultKind.DEAD_SESSION, call):
            sessions.end(self.state, session_id)
            raise session_expired()

    def _execute_service(self, call: Call) -> Json:
        service, method = envelope.split_method(call.method)
        if service in self.state.switches.denied_services:
            raise OtysRefusal(f"Access denied; no rights for Otys.Services.{service}", code=-32030)
        try:
            return self._answer_of(service, method, call)
        except UnreadableField as refusal:
            if self.state.switches.name_unreadable_fields:
                raise
            raise refusal.without_name() from refusal

    def _answer_of(self, service: str, method: str, call: Call) -> Json:
        arguments = call.params[1:]
        match service:
            case "CsmService" if method == "getValue":
                return get_value(self.state, arguments)
            case "WebhooksService":
                return answer_webhooks(self.state, method, arguments, self._clock.now())
            case MAILING_LISTS.name:
                return self._read(MAILING_LISTS, method, call)
            case RECIPIENTS.name:
                return self._read(RECIPIENTS, method, call)
            case _ if service in PEOPLE and method == "update" and self.state.switches.opt_out_writable:
                return update(PEOPLE[service], arguments, self.state)
            case _ if service in PEOPLE:
                return self._read(PEOPLE[service], method, call)
            case _:
                raise _no_such_method(call.method)

    def _read(self, service: ListedService[Record], method: str, call: Call) -> Json:
        arguments = call.params[1:]
        match method:
            case "getList" | "getListEx":
                wanted = read_arguments(arguments[0] if arguments else None, call.method)
                page = read_page(service, wanted, self.state, self._page_faults(call, wanted))
                shape = bare_rows if method == "getList" else extended_rows
                return shape(page, self.state)
            case "getDetail":
                if not arguments or not isinstance(arguments[0], str | int):
                    raise bad_arguments(call.method, "a uid, then the projection")
                what = arguments[1] if len(arguments) > 1 else None
                faults = PageFaults(refused_fields=self._refused_fields(call))
                return read_detail(service, str(arguments[0]), what, self.state, faults)
            case _:
                raise _no_such_method(call.method)

    def _page_faults(self, call: Call, wanted: ListArguments) -> PageFaults:
        return PageFaults(
            refused_fields=self._refused_fields(call),
            short_page=self._strikes(FaultKind.SHORT_PAGE, call),
            shift=self._strikes(FaultKind.SHIFT_BETWEEN_PAGES, call) if wanted.offset else None,
            lying_total=self._strikes(FaultKind.LYING_TOTAL, call),
        )

    def _strikes(self, kind: FaultKind, call: Call) -> Fault | None:
        return self._faults.take(self.name, _label(call), {kind})

    def _refused_fields(self, call: Call) -> frozenset[str]:
        """A refused field stays refused while its fault is armed: a tenant's rights do not come and go."""
        return frozenset(
            str(fault.value)
            for fault in self._faults.armed().values()
            if fault.kind is FaultKind.REFUSED_FIELD and _fits(fault, self.name, _label(call))
        )

    def _key_of(self, call: Call) -> str:
        """The limit is a key's; a tenant has one, anything else is counted under its own name."""
        return str(call.params[0]) if call.method == "loginByUid" and call.params else self.state.api_key

    def _weight_of(self, call: Call) -> int:
        if call.method != MULTI or not self.state.switches.multi_counts_each:
            return 1
        return max(len(_batch_items(call)), 1)

    def _blocked(self, allowance: Allowance) -> Reply:
        headers = allowance.headers()
        if self.state.switches.retry_after_header:
            headers += (("Retry-After", str(allowance.seconds_left)),)
        return Reply(429, b"Too Many Requests", (("Content-Type", "text/plain"), *headers))


def _label(call: Call) -> str:
    return f"POST {PATH} {call.method}"


def _fits(fault: Fault, system: str, label: str) -> bool:
    return fault.system in ("", system) and re.search(fault.pattern, label) is not None


def _batch_items(call: Call) -> list[BatchItem] | dict[str, BatchItem]:
    try:
        return msgspec.convert(
            call.params[0] if call.params else None, list[BatchItem] | dict[str, BatchItem]
        )
    except msgspec.ValidationError as error:
        raise OtysRefusal(f"MultiService.execute: {error}", code=-32602) from error


def _no_such_method(method: str) -> OtysRefusal:
    return OtysRefusal(f"Method {method} does not exist", code=-32601)


def _json(body: bytes, headers: tuple[tuple[str, str], ...]) -> Reply:
    return Reply(200, body, (("Content-Type", "application/json"), *headers))
