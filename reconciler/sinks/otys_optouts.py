"""Knows how OTYS is told who opted out, by the calls that the mapping names."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from reconciler.api.ows import LARGEST_BATCH, Call, OwsClient
from reconciler.api.ows_answers import Reply
from reconciler.errors import UnexpectedAnswer
from reconciler.model import OptOut
from reconciler.ports import Telling
from reconciler.sources.mapping import OtysMapping


class OtysOptOuts:
    """Tells one OTYS; an `OptOutSink`."""

    def __init__(self, ows: OwsClient, mapping: OtysMapping) -> None:
        self._ows = ows
        self._kinds = mapping.kinds
        self._methods = mapping.opt_out_methods

    def can_tell(self, opt_out: OptOut) -> bool:
        """Given an opt-out, return whether there is a call for anybody behind it."""
        return any(person.kind in self._methods for person in opt_out.persons)

    def tell(self, opt_outs: Sequence[OptOut]) -> Iterator[Sequence[Telling]]:
        """Given opt-outs that can be told, tell them; yield what became of them as it is known.

        It is told once of a person, however many lists the person opted out of, unless the call names the
        list. Where people share an address, OTYS knows of it when all for whom there is a call were told.
        Raise RemoteError when OTYS cannot be told anything at all.
        """
        known = _Answers(self._ows)
        for start in range(0, len(opt_outs), LARGEST_BATCH):
            some = opt_outs[start : start + LARGEST_BATCH]
            calls = {opt_out.number: self._calls(opt_out) for opt_out in some}
            known.ask(call for of_one in calls.values() for call in of_one)
            yield [Telling(opt_out, known.problem(calls[opt_out.number])) for opt_out in some]

    def _calls(self, opt_out: OptOut) -> tuple[Call, ...]:
        return tuple(
            Call(self._methods[person.kind], about.arguments_about(person, opt_out.list_uid, opt_out.address))
            for person in opt_out.persons
            if person.kind in self._methods and (about := self._kinds[person.kind].opt_out)
        )


class _Answers:
    """What OTYS answered to each call: why it was refused, or nothing."""

    def __init__(self, ows: OwsClient) -> None:
        self._ows = ows
        self._problems: dict[bytes, str] = {}

    def ask(self, calls: Iterable[Call]) -> None:
        """Given calls, make those that were not made yet."""
        new = {_key(call): call for call in calls if _key(call) not in self._problems}
        keys = list(new)
        for start in range(0, len(keys), LARGEST_BATCH):
            some = keys[start : start + LARGEST_BATCH]
            replies = self._replies([new[key] for key in some])
            self._problems |= {
                key: "" if reply.error is None else str(reply.error)
                for key, reply in zip(some, replies, strict=True)
            }

    def problem(self, calls: Sequence[Call]) -> str:
        """Given calls that were made, return why the first refused one was; empty when none was."""
        return next(filter(None, (self._problems[_key(call)] for call in calls)), "")

    def _replies(self, calls: Sequence[Call]) -> Sequence[Reply]:
        try:
            return self._ows.write(calls)
        except UnexpectedAnswer:
            # One call that OTYS chokes on spoils the answer to all of a batch.
            replies = [self._alone(call) for call in calls] if len(calls) > 1 else []
            if all(reply.error for reply in replies):
                raise
            return replies

    def _alone(self, call: Call) -> Reply:
        try:
            return self._ows.write([call])[0]
        except UnexpectedAnswer as error:
            return Reply(error=error)


def _key(call: Call) -> bytes:
    return msgspec.json.encode([call.method, call.arguments])
