"""Mailchimp's Marketing API 3.0 as a service that can be put on the wire."""

import itertools
import uuid
from dataclasses import replace
from functools import partial

import msgspec

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.faults import Faults
from reconciler.sandbox.mailchimp import auth, batches, problems, router
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.problems import Problem
from reconciler.sandbox.mailchimp.state import MailchimpState
from reconciler.sandbox.service import Reply, Request

_READ_BY = {"HEAD": "GET"}  # the server leaves the body out
SIMULTANEOUS_REQUESTS = 10  # facts/mailchimp.md, 5
_JSON = ("Content-Type", "application/json; charset=utf-8")


class MailchimpService:
    """Answers requests from the state of one account."""

    name = "mailchimp"
    simultaneous_requests: int | None = SIMULTANEOUS_REQUESTS

    def __init__(self, state: MailchimpState, clock: SandboxClock, faults: Faults) -> None:
        self.state = state
        self._clock = clock
        self._faults = faults
        self._requests = itertools.count(1)

    def answer(self, request: Request) -> Reply:
        """Given a request, carry it out and return the answer."""
        if request.path.startswith(batches.RESULTS_PREFIX):
            return batches.download(self.state, request, self._clock.now())
        try:
            meant = replace(request, method=auth.method_of(request))
            auth.check(self.state, meant)
        except Problem as problem:
            return self._refuse(problem)
        return self._carry_out(meant)

    def too_many_requests(self) -> Reply:
        """Return the 429 of too many connections, 5."""
        return self._refuse(problems.too_many_requests())

    def operation(self, request: Request) -> str:
        """Given any request, return nothing: a REST service is known by method and path."""
        del request
        return ""

    def _carry_out(self, request: Request, *, in_batch: bool = False) -> Reply:
        try:
            respond, path = router.find(_READ_BY.get(request.method, request.method), request.path)
            perform = partial(self._carry_out, in_batch=True)
            call = Call(self.state, request, path, self._clock.now(), self._faults, perform, in_batch)
            answer = respond(call)
        except Problem as problem:
            return self._refuse(problem)
        if answer is None:
            return Reply(204, headers=self._headers())
        return Reply(200, msgspec.json.encode(call.projection.of_answer(answer)), self._headers())

    def _headers(self) -> tuple[tuple[str, str], ...]:
        return (_JSON, ("X-Request-Id", self._next_id()))

    def _refuse(self, problem: Problem) -> Reply:
        return problem.reply(self._next_id())

    def _next_id(self) -> str:
        # Not from the seeded ids: those must not depend on how many requests were answered.
        return str(uuid.UUID(int=next(self._requests)))
