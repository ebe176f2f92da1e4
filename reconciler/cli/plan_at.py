"""Knows `plan --at`: what today's rules would have decided, beside what was decided then."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from reconciler.cli.clients import names_of, open_state
from reconciler.cli.context import Shared, print_json
from reconciler.cli.history import headline
from reconciler.cli.render_list import Detail, name_of, print_list
from reconciler.cli.render_text import print_hanging
from reconciler.config import Config
from reconciler.document import list_document
from reconciler.model import ListUid, PassId
from reconciler.replay import Comparison, Replayed, Rules, replay_pass, replay_since
from reconciler.report import ListReport
from reconciler.snapshots import Decided
from reconciler.store import PassRecord, Store
from reconciler.wiring import chosen_client
from reconciler.wording import counted, done, printable, to_do

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be told, and where."""

    common: Shared
    config: Config
    only: ListUid | None
    show_all: bool
    as_json: bool

    @property
    def zone(self) -> tzinfo:
        return self.config.daemon.timezone

    def rules(self, client: str) -> Rules:
        chosen = chosen_client(self.config, client)
        return Rules(templates=chosen.fields, policy=chosen.policy, limits=chosen.limits)


def plan_at(
    common: Shared, at: str, *, client: str | None, list_uid: str | None, show_all: bool, as_json: bool
) -> None:
    """Given a pass or a length of time, decide again with today's rules and tell the difference.

    Raise CannotReplay when nothing is kept of the pass, UnreadableSnapshot when that cannot be read.
    """
    only = None if list_uid is None else ListUid(list_uid)
    config = common.load_config()
    wish = _Wish(common, config, only, show_all, as_json)
    names = names_of(config, client)
    lasting = re.fullmatch(r"(\d{1,4})([hdw])", at)
    with open_state(config) as store:
        if at.isdecimal():
            _tell_pass(wish, store, _record(store, PassId(int(at)), client))
        elif lasting:
            ago = timedelta(**{_UNITS[lasting[2]]: int(lasting[1])})
            _tell_since(wish, store, names, datetime.now(UTC) - ago)
        else:
            raise typer.BadParameter(
                f"{at!r} is neither the number of a pass nor a length of time such as 30d or 12h",
                param_hint="--at",
            )


def _record(store: Store, number: PassId, client: str | None) -> PassRecord:
    record = store.pass_record(number)
    if record is None:
        raise typer.BadParameter(
            f"there is no pass {number}; `reconciler history` lists them", param_hint="--at"
        )
    if client not in (None, record.client):
        raise typer.BadParameter(f"pass {number} is one of {record.client}", param_hint="--client")
    return record


# -- one pass ----------------------------------------------------------------------------------------


def _tell_pass(wish: _Wish, store: Store, record: PassRecord) -> None:
    replayed = list(replay_pass(store, record, wish.rules(record.client), only=wish.only))
    if wish.as_json:
        print_json({**_pass_json(record), "lists": [_replayed_json(one) for one in replayed]})
        return
    console = wish.common.console
    console.print(Text(headline(record, wish.zone), "bold"))
    planned = record.mode == "plan"
    what = ", ".join(to_do(record.counts) if planned else done(record.counts)) or "nothing"
    print_hanging(Text(f"{'would' if planned else 'became of it'}: {what}"), console, indent=0)
    console.print()
    for one in replayed:
        if one.comparison.differs or _words(one.comparison.now):
            _print_replayed(one, console, Detail(everything=wish.show_all))
    differing = sum(one.comparison.differs for one in replayed)
    what = f"{differing:,} of {counted(len(replayed), 'list')}" if differing else "no list"
    console.print(Text(f"Today's rules decide otherwise about {what}; nothing was asked or written."))


def _print_replayed(one: Replayed, console: Console, detail: Detail) -> None:
    document = list_document(_report(one))
    if document.changes:
        print_list(document, console, detail)
    else:
        console.print(Text(name_of(document.list_name, document.list), "bold"))
    then, now = _then_and_now(one.comparison)
    style = "bold yellow" if one.comparison.differs else "dim"
    print_hanging(Text(then), console, label=Text("then", "dim"))
    print_hanging(Text(now), console, label=Text("now", style))
    for proposal in document.withheld:
        print_hanging(
            Text(f"{proposal.verb}: {printable(proposal.message)}"), console, label=Text("withheld", "red")
        )
    console.print()


def _report(one: Replayed) -> ListReport:
    plan = one.guarded.plan
    return ListReport(
        list_uid=plan.list_uid,
        list_name=plan.list_name,
        audience_id=plan.audience_id,
        guarded=one.guarded,
    )


def _replayed_json(one: Replayed) -> Mapping[str, object]:
    document = msgspec.to_builtins(list_document(_report(one)))
    return {
        **_comparison_json(one.comparison),
        "changes": document["changes"],
        "withheld": document["withheld"],
    }


# -- all since a moment ------------------------------------------------------------------------------


def _tell_since(wish: _Wish, store: Store, names: Sequence[str], since: datetime) -> None:
    told: list[object] = []
    for name in names:
        compared = list(replay_since(store, name, since, wish.rules(name), only=wish.only))
        differing = sorted(
            (one for one in compared if one.differs), key=lambda one: (one.decided_in, one.list_uid)
        )
        if wish.as_json:
            told.append(
                {
                    "client": name,
                    "decisions": len(compared),
                    "otherwise": [_comparison_json(one) for one in differing],
                }
            )
        else:
            _print_since(name, since, differing, len(compared), wish)
    if wish.as_json:
        print_json({"since": since.isoformat(), "clients": told})


def _print_since(
    name: str, since: datetime, differing: Sequence[Comparison], decisions: int, wish: _Wish
) -> None:
    console = wish.common.console
    for one in differing:
        when = one.decided_at.astimezone(wish.zone)
        then, now = _then_and_now(one)
        console.print(
            Text.assemble(
                (f"pass {one.decided_in}, {when:%Y-%m-%d %H:%M}", "bold"),
                f" {name_of(one.list_name, one.list_uid)}: then {then}; now ",
                (now, "yellow"),
            ),
            soft_wrap=True,
        )
    start = since.astimezone(wish.zone)
    console.print(
        Text.assemble(
            (f"{name}: ", "bold"),
            f"{counted(decisions, 'decision')} kept since {start:%Y-%m-%d %H:%M}; today's rules make "
            f"{len(differing):,} of them otherwise; nothing was asked or written",
        ),
        soft_wrap=True,
    )


# -- both --------------------------------------------------------------------------------------------


def _then_and_now(one: Comparison) -> tuple[str, str]:
    then, now = _words(one.then) or "nothing", _words(one.now) or "nothing"
    return then, f"{now}, but not the same" if one.differs and now == then else now


def _words(decided: Decided) -> str:
    allowed = [f"{verb} {count:,}" for verb, count in decided.allowed.items()]
    withheld = [f"{verb} {count:,} withheld" for verb, count in decided.withheld.items()]
    return ", ".join((*allowed, *withheld))


def _pass_json(record: PassRecord) -> Mapping[str, object]:
    return {
        "client": record.client,
        "pass_id": record.id,
        "mode": record.mode,
        "started_at": record.started_at.isoformat(),
        "result": record.result,
        "counts": dict(record.counts),
    }


def _comparison_json(one: Comparison) -> Mapping[str, object]:
    return {
        "list": one.list_uid,
        "list_name": one.list_name,
        "decided_in": one.decided_in,
        "decided_at": one.decided_at.isoformat(),
        "differs": one.differs,
        "then": msgspec.to_builtins(one.then),
        "now": msgspec.to_builtins(one.now),
    }
