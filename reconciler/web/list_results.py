"""What became of each list of a pass, in a line without addresses. Pure."""

from collections import Counter

from reconciler.document import ListDocument, PassDocument
from reconciler.model import Result
from reconciler.web.answers import ListAnswer, ListResult
from reconciler.wording import done, to_do

_FAILED = frozenset({Result.RETRY_LATER.value, Result.NOT_TRUE.value})


def list_results(document: PassDocument) -> tuple[ListAnswer, ...]:
    """Given a pass that ended, return how its lists came off."""
    return tuple(_answer(one, plan_mode=document.mode == "plan") for one in document.lists)


def _answer(one: ListDocument, *, plan_mode: bool) -> ListAnswer:
    return ListAnswer(
        list=one.list,
        list_name=one.list_name,
        result=_result(one, plan_mode=plan_mode),
        told=to_do(_planned(one)) if plan_mode else done(_became(one)),
        problem=one.problem or one.waits,
    )


def _result(one: ListDocument, *, plan_mode: bool) -> ListResult:
    results = {change.result for change in one.changes}
    if one.problem or results & _FAILED:
        return "failed"
    if one.withheld or Result.WITHHELD in results:
        return "withheld"
    return "planned" if plan_mode else "done"


def _planned(one: ListDocument) -> Counter[str]:
    return Counter(f"planned.{change.verb}" for change in one.changes)


def _became(one: ListDocument) -> Counter[str]:
    return Counter(f"{change.verb}.{change.result}" for change in one.changes)
