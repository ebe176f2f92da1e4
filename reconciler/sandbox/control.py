"""The control API under /_sandbox/: steers and shows a running sandbox in JSON (docs/sandbox.md)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec

from reconciler.sandbox.actions import act, names_of_actions
from reconciler.sandbox.faults import Fault
from reconciler.sandbox.mailchimp.switches import Switches as MailchimpSwitches
from reconciler.sandbox.otys.state import Switches as OtysSwitches
from reconciler.sandbox.overview import overview
from reconciler.sandbox.service import Reply, Request
from reconciler.sandbox.world import DEFAULT_SEED, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.facade import Sandbox

PREFIX = "/_sandbox"
Body = TypeVar("Body")


class WorldChoice(msgspec.Struct, forbid_unknown_fields=True):
    """Which world to start anew."""

    world: str = "small"
    seed: int = DEFAULT_SEED


class ClockChange(msgspec.Struct, forbid_unknown_fields=True):
    """What to do to the clock; several are done in this order."""

    freeze: datetime | None = None
    run: bool = False
    advance_seconds: float = 0.0


class SwitchChange(msgspec.Struct, forbid_unknown_fields=True):
    """The switches to set; those not named keep their position."""

    otys: dict[str, object] = {}
    mailchimp: dict[str, object] = {}


class SandboxControl:
    """Answers /_sandbox/ on both ports."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._routes: dict[tuple[str, str], Callable[[Request], object]] = {
            ("GET", ""): self._index,
            ("GET", "state"): self._state,
            ("POST", "reset"): self._reset,
            ("POST", "save"): self._save,
            ("GET", "faults"): self._armed_faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._change_clock,
            ("GET", "log"): self._log,
            ("GET", "log/summary"): self._log_summary,
            ("DELETE", "log"): self._clear_log,
            ("GET", "switches"): self._switches,
            ("POST", "switches"): self._change_switches,
            ("GET", "actions"): self._actions,
        }

    def answer(self, request: Request) -> Reply:
        """Given a request under /_sandbox/, return the answer: 200, 400 with a reason, or 404."""
        path = request.path.removeprefix(PREFIX).strip("/")
        system, _, name = path.partition("/")
        try:
            if request.method == "POST" and system in ("otys", "mailchimp") and name:
                return _json(200, {"result": self._act(system, name, request)})
            if request.method == "DELETE" and system == "faults" and name.isdecimal():
                self._sandbox.faults.remove(int(name))
                return _json(200, self._armed_faults(request))
            route = self._routes.get((request.method, path))
            if route is None:
                return _json(
                    404, {"error": f"no {request.method} {request.path}; GET {PREFIX}/ names what there is"}
                )
            return _json(200, route(request))
        except ValueError as error:
            return _json(400, {"error": str(error)})

    def _index(self, _: Request) -> object:
        return {
            "routes": [f"{method} {PREFIX}/{path}" for method, path in self._routes]
            + [f"DELETE {PREFIX}/faults/ID", f"POST {PREFIX}/otys/ACTION", f"POST {PREFIX}/mailchimp/ACTION"],
            "otys_url": self._sandbox.otys_url,
            "mailchimp_url": self._sandbox.mailchimp_url,
        }

    def _state(self, _: Request) -> object:
        with self._sandbox.lock:
            return overview(self._sandbox.world)

    def _reset(self, request: Request) -> object:
        choice = _decode(request, WorldChoice)
        self._sandbox.replace_world(World.named(choice.world, choice.seed))
        return self._state(request)

    def _save(self, _: Request) -> object:
        return {"file": str(self._sandbox.save())}

    def _armed_faults(self, _: Request) -> object:
        return {"faults": {str(number): fault for number, fault in self._sandbox.faults.armed().items()}}

    def _add_fault(self, request: Request) -> object:
        return {"id": self._sandbox.faults.add(_decode(request, Fault))}

    def _clear_faults(self, request: Request) -> object:
        self._sandbox.faults.clear()
        return self._armed_faults(request)

    def _clock(self, _: Request) -> object:
        return {"now": self._sandbox.clock.now(), "frozen": self._sandbox.clock.frozen_at is not None}

    def _change_clock(self, request: Request) -> object:
        change = _decode(request, ClockChange)
        if change.freeze is not None:
            self._sandbox.clock.freeze(change.freeze)
        if change.run:
            self._sandbox.clock.run()
        if change.advance_seconds:
            self._sandbox.clock.advance(timedelta(seconds=change.advance_seconds))
        return self._clock(request)

    def _log(self, request: Request) -> object:
        rows = self._sandbox.log.requests(request.query.get("system", ""), after=_number(request, "after"))
        return {
            "requests": [
                {
                    "number": row.number,
                    "at": row.at,
                    "system": row.system,
                    "method": row.method,
                    "path": row.path,
                    "query": dict(row.query),
                    "operation": row.operation,
                    "body": row.body.decode("utf-8", "replace"),
                    "status": row.status,
                    "open_requests": row.open_requests,
                    "applied": row.applied,
                    "fault": row.fault,
                }
                for row in rows[: _number(request, "limit", otherwise=1000)]
            ]
        }

    def _log_summary(self, request: Request) -> object:
        return self._sandbox.log_summary(after=_number(request, "after"))

    def _clear_log(self, request: Request) -> object:
        self._sandbox.log.clear()
        return self._log(request)

    def _switches(self, _: Request) -> object:
        world = self._sandbox.world
        return {"otys": world.otys.switches, "mailchimp": world.mailchimp.switches}

    def _change_switches(self, request: Request) -> object:
        change = _decode(request, SwitchChange)
        world = self._sandbox.world
        with self._sandbox.lock:
            otys = _changed(world.otys.switches, change.otys, OtysSwitches)
            mailchimp = _changed(world.mailchimp.switches, change.mailchimp, MailchimpSwitches)
            world.otys.switches, world.mailchimp.switches = otys, mailchimp
        return self._switches(request)

    def _actions(self, _: Request) -> object:
        return {
            "otys": names_of_actions(self._sandbox.otys),
            "mailchimp": names_of_actions(self._sandbox.mailchimp),
        }

    def _act(self, system: str, name: str, request: Request) -> object:
        person = self._sandbox.otys if system == "otys" else self._sandbox.mailchimp
        arguments = _decode(request, dict[str, object])
        with self._sandbox.lock:
            # Turned into plain values while nobody else can change what it points at.
            return msgspec.to_builtins(act(person, name, arguments))


def _decode(request: Request, wanted: type[Body]) -> Body:
    """Msgspec's own words name what does not fit and where."""
    return msgspec.json.decode(request.body or b"{}", type=wanted)


def _changed(switches: Body, positions: dict[str, object], kind: type[Body]) -> Body:
    known: dict[str, object] = msgspec.to_builtins(switches)
    unknown = sorted(positions.keys() - known.keys())
    if unknown:
        raise ValueError(f"no such switch: {', '.join(unknown)}; known are {', '.join(known)}")
    return msgspec.convert(known | positions, kind)


def _number(request: Request, name: str, *, otherwise: int = 0) -> int:
    text = request.query.get(name, str(otherwise))
    if not text.isdecimal():
        raise ValueError(f"{name} has to be a number, not {text!r}")
    return int(text)


def _json(status: int, body: object) -> Reply:
    return Reply(status, msgspec.json.encode(body), (("Content-Type", "application/json"),))
