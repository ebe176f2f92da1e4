"""A plain JSON-RPC client for the tests of the sandbox's OTYS: one tenant, one session, no wire."""

from datetime import UTC, datetime

import msgspec

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.faults import Fault, Faults
from reconciler.sandbox.otys import Entity, OtysService, OtysState
from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.service import Reply, Request

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SERVICES = "Otys.Services."


class Tenant:
    """One tenant with its clock and faults, and a session that is opened on first use."""

    def __init__(self, state: OtysState | None = None) -> None:
        self.state = state or OtysState()
        self.clock = SandboxClock(frozen_at=START)
        self.faults = Faults()
        self.service = OtysService(self.state, self.clock, self.faults)
        self._session = ""

    @property
    def session(self) -> str:
        if not self._session:
            session = self.result("loginByUid", self.state.api_key)
            assert isinstance(session, str)
            self._session = session
        return self._session

    def post(self, body: bytes, *, path: str = "/jservice.php", method: str = "POST") -> Reply:
        return self.service.answer(Request(method, path, {"remark": "test"}, {}, body))

    def send(self, method: str, *params: object) -> dict[str, Json]:
        reply = self.post(
            msgspec.json.encode({"jsonrpc": "2.0", "method": method, "params": params, "id": 1})
        )
        assert reply.status == 200, reply
        return msgspec.json.decode(reply.body, type=dict[str, Json])

    def result(self, method: str, *params: object) -> Json:
        answer = self.send(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    def error(self, method: str, *params: object) -> str:
        error = self.send(method, *params)["error"]
        assert isinstance(error, dict)
        assert isinstance(error["code"], int)
        return str(error["message"])

    def ask(self, method: str, *arguments: object) -> Json:
        """Call a method of a service with the session in front."""
        return self.result(SERVICES + method, self.session, *arguments)

    def refusal(self, method: str, *arguments: object) -> str:
        return self.error(SERVICES + method, self.session, *arguments)

    def page(self, service: str, **arguments: object) -> dict[str, Json]:
        answer = self.ask(f"{service}.getListEx", arguments)
        assert isinstance(answer, dict)
        return answer

    def rows(self, service: str, **arguments: object) -> list[dict[str, Json]]:
        rows = self.page(service, **arguments)["listOutput"]
        assert isinstance(rows, list)
        return [row for row in rows if isinstance(row, dict)]

    def uids(self, service: str, **arguments: object) -> list[Json]:
        return [row["uid"] for row in self.rows(service, what={"uid": 1}, **arguments)]

    def arm(self, fault: Fault) -> None:
        self.faults.add(fault)


def person(state: OtysState, number: int, kind: str = "candidate") -> Entity:
    return state.add_entity(
        kind,
        email=f"p{number}@mailhuis.nl",
        first_name=f"P{number}",
        infix="van",
        last_name=f"Last{number:03}",
    )


def condition(field: str, operator: str, parameter: object) -> object:
    return {"type": "COND", "field": field, "op": operator, "param": parameter}
