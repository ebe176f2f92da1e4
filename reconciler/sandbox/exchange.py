"""What one request gets from a service once the faults have had their say."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.sandbox.faults import TRANSPORT_KINDS, Fault, FaultKind, Faults
from reconciler.sandbox.service import Reply, Request, Service

HOLD_SECONDS = 120.0  # after this long Mailchimp itself gives a call up, facts/mailchimp.md, 7
EDGE_REFUSAL = b"<html><body><h1>Request Blocked</h1>Reference Number: 0.5a0c1602.sandbox</body></html>"
OUTAGE = b"<html><body><h1>The service is unavailable</h1></body></html>"
HTML = (("Content-Type", "text/html"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The reply to one request (None: it is never answered) and what befell the request."""

    reply: Reply | None
    applied: bool = False
    fault: str = ""
    sent_share: float = 1.0  # less than the whole of the body if the connection is cut
    hold_seconds: float = 0.0  # how long the connection stays open without an answer


def fault_label(request: Request, operation: str = "") -> str:
    """Given a request and the operation it calls, return what the pattern of a fault is searched in."""
    return f"{request.method} {request.path} {operation}".rstrip()


def exchange(
    request: Request,
    service: Service,
    *,
    lock: threading.RLock,
    faults: Faults,
    wait: Callable[[float], object],
) -> Exchange:
    """Given a request, let the service carry it out, or the faults spoil it, and return what comes of it."""
    label = fault_label(request, service.operation(request))
    slow = faults.take(service.name, label, {FaultKind.LATENCY})
    if slow:
        wait(slow.number(1.0))
    fault = faults.take(service.name, label, TRANSPORT_KINDS)
    refused = fault and _refuse(fault, service)
    if refused:
        return refused
    with lock:
        reply = service.answer(request)
    applied = reply.status < 400
    if fault:
        return _spoil(fault, reply, applied=applied)
    return Exchange(reply=reply, applied=applied, fault=slow.kind if slow else "")


def _refuse(fault: Fault, service: Service) -> Exchange | None:
    """Given a fault, return what it answers instead of the service, None if it lets the request through."""
    reply: Reply | None
    match fault.kind:
        case FaultKind.TIMEOUT_BEFORE:
            return Exchange(reply=None, fault=fault.kind, hold_seconds=fault.number(HOLD_SECONDS))
        case FaultKind.TOO_MANY_REQUESTS:
            reply = service.too_many_requests()
        case FaultKind.TOO_MANY_REQUESTS_BARE:
            reply = Reply(429)
        case FaultKind.FORBIDDEN_BARE:
            reply = Reply(403)
        case FaultKind.FORBIDDEN_HTML:
            reply = Reply(403, EDGE_REFUSAL, HTML)
        case FaultKind.SERVER_ERROR:
            reply = Reply(int(fault.number(503)), OUTAGE, HTML)
        case _:
            return None
    return Exchange(reply=reply, fault=fault.kind)


def _spoil(fault: Fault, reply: Reply, *, applied: bool) -> Exchange:
    """Given the reply to a request that was carried out, return what the fault makes of it."""
    match fault.kind:
        case FaultKind.GARBAGE:
            return Exchange(reply=Reply(200, b"\x00<!-- not JSON {"), applied=applied, fault=fault.kind)
        case FaultKind.EMPTY_BODY:
            return Exchange(reply=Reply(200), applied=applied, fault=fault.kind)
        case FaultKind.CUT_BODY:
            return Exchange(reply=reply, applied=applied, fault=fault.kind, sent_share=0.5)
        case FaultKind.TIMEOUT_AFTER_APPLY:
            seconds = fault.number(HOLD_SECONDS)
            return Exchange(reply=None, applied=applied, fault=fault.kind, hold_seconds=seconds)
        case _:
            return Exchange(reply=None, applied=applied, fault=fault.kind)
