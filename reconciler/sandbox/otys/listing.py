"""Knows getList, getListEx and getDetail: conditions, sorting, paging, totals (facts/otys.md, 3 and 8)."""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from reconciler.sandbox.faults import Fault
from reconciler.sandbox.otys.conditions import comparable, compile_condition, is_only_key, required_values
from reconciler.sandbox.otys.errors import OtysRefusal, UnreadableField, bad_arguments
from reconciler.sandbox.otys.fields import Fields, Record
from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.otys.projection import project, selected_paths
from reconciler.sandbox.otys.services import ListedService
from reconciler.sandbox.otys.state import OtysState


class ListArguments(msgspec.Struct, rename="camel"):
    """The one argument of a list call, after the session."""

    what: Json = None
    condition: Json = None
    limit: int | None = None
    offset: int | None = None
    sort: Json = None
    order: Json = None  # the spelling one client uses with UserService
    get_total_count: bool | None = None
    exclude_limit_check: bool | None = None
    search: Json = None


@dataclass(frozen=True, slots=True)
class PageFaults:
    """The faults that strike this one call."""

    refused_fields: frozenset[str] = frozenset()
    short_page: Fault | None = None
    shift: Fault | None = None
    lying_total: Fault | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one call, and the total if it was asked for."""

    rows: list[Json]
    total: int | None


def read_arguments(argument: Json, method: str) -> ListArguments:
    """Given the argument of a list call, return it typed. Raise OtysRefusal if it is not one."""
    if argument in (None, []):
        return ListArguments()
    try:
        arguments = msgspec.convert(argument, ListArguments, strict=False)
    except msgspec.ValidationError as error:
        raise bad_arguments(method, f"an object of list arguments ({error})") from error
    if arguments.search is not None:
        raise OtysRefusal(f"{method}: this sandbox has no full-text search; ask by condition")
    return arguments


def read_page(
    service: ListedService[Record], arguments: ListArguments, state: OtysState, faults: PageFaults
) -> Page:
    """Given a service and arguments, return the page. Raise OtysRefusal if a field is not readable."""
    shown = _without(service.in_list(state), faults.refused_fields)
    askable = {**shown, **service.in_conditions(state)}
    paths = selected_paths(
        arguments.what, readable=shown, defaults=service.default_paths(state), service=service.name
    )
    matches = compile_condition(arguments.condition, askable, state=state, service=service.name)
    candidates = service.rows(state, required_values(arguments.condition, service.key))
    if is_only_key(arguments.condition, service.key):
        records = list(candidates)
    else:
        records = [record for record in candidates if matches(record)]
    _sort(records, arguments.sort or arguments.order, askable, state=state, service=service.name)

    offset = max(arguments.offset or 0, 0)
    shift = int(faults.shift.number(1)) if faults.shift else 0
    start = max(offset + shift, 0)
    page = records[start : start + _page_size(arguments, state)]
    if faults.short_page:
        page = page[: max(len(page) - int(faults.short_page.number(1)), 0)]
    total = len(records) - shift + (int(faults.lying_total.number(7)) if faults.lying_total else 0)
    return Page(
        rows=[project(state, record, shown, paths) for record in page],
        total=total if arguments.get_total_count else None,
    )


def bare_rows(page: Page, state: OtysState) -> Json:
    """Given a page, return it as getList does: the rows alone."""
    return _keyed(page.rows) if state.switches.rows_as_object and page.rows else page.rows


def extended_rows(page: Page, state: OtysState) -> Json:
    """Given a page, return it as getListEx does: the rows, and the total if it was asked for."""
    answer: dict[str, Json] = {"listOutput": bare_rows(page, state)}
    if page.total is not None:
        answer["totalCount"] = page.total
    return answer


def read_detail(
    service: ListedService[Record], uid: str, what: Json, state: OtysState, faults: PageFaults
) -> Json:
    """Given a uid and the bare projection, return one object. Raise OtysRefusal if it does not exist."""
    shown = _without(service.in_detail(state), faults.refused_fields)
    paths = selected_paths(what, readable=shown, defaults=tuple(shown), service=service.name)
    record = service.find(state, uid)
    if record is None:
        raise OtysRefusal(f"{service.noun} {uid} does not exist", code=-32020)
    return project(state, record, shown, paths)


def _without(fields: Fields[Record], refused: Collection[str]) -> Fields[Record]:
    return {path: read for path, read in fields.items() if path not in refused}


def _page_size(arguments: ListArguments, state: OtysState) -> int:
    wanted = arguments.limit if arguments.limit and arguments.limit > 0 else state.switches.default_rows
    if arguments.exclude_limit_check and state.switches.honour_exclude_limit_check:
        return wanted
    return min(wanted, state.switches.max_rows)


def _sort(
    records: list[Record], sort: Json, fields: Fields[Record], *, state: OtysState, service: str
) -> None:
    if not sort:
        return
    if not isinstance(sort, dict):
        raise bad_arguments(service, 'sort as {"field": "ASC" | "DESC"}')
    for field, direction in reversed(sort.items()):
        if field not in fields:
            raise UnreadableField(service, field)
        read = fields[field]
        records.sort(
            key=lambda record: comparable(read(state, record)),
            reverse=str(direction).upper() == "DESC",
        )


def _keyed(rows: list[Json]) -> Json:
    return {str(index): row for index, row in enumerate(rows)}
