"""An agency with its two services in a sandbox, its database, and passes over real HTTP."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.client import Client, Unwatched
from reconciler.config import load_config
from reconciler.model import ListUid, Result, Verb
from reconciler.reconcile import make_plan, reconcile
from reconciler.report import PassReport
from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.mailchimp.state import Contact
from reconciler.sandbox.otys.state import Entity, MailingList
from reconciler.stop import Stop
from reconciler.store import Store, open_store
from reconciler.wiring import open_client
from tests.fresh_database import lay_out

CANDIDATE = "candidate"


class Impatient(Stop):
    """Never waits before a request is repeated: what is tested is what comes of it."""

    def pause(self, system: str, seconds: float) -> None:  # noqa: ARG002 (it would be waited for so long)
        """Given the service that is waited for, go on at once. Raise Stopping if asked to stop."""
        self.check(system)


@dataclass
class Agency:
    sandbox: Sandbox
    folder: Path
    store: Store
    tables: dict[str, str] = field(default_factory=dict)
    """Further tables of the client's configuration, by name."""
    fields: str = 'FNAME = "{first_name}"\nLNAME = "{infix} {last_name}"'
    mode: str = "apply"
    state: str = ""
    """Further keys of the table `[state]`."""
    mapping: Path | None = None
    """The operator's own mapping."""
    now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)

    @property
    def world(self) -> World:
        return self.sandbox.world

    # -- passes

    def once(self, *, only: str | None = None) -> PassReport:
        return self._run(plan_only=False, only=only)

    def plan(self) -> PassReport:
        return self._run(plan_only=True, only=None)

    def converge(self) -> None:
        """Run passes until nothing is left to do; three must do."""
        for _ in range(3):
            if not self.writes_of(self.once):
                return
        raise AssertionError("three passes did not bring the world to rest")

    def writes_of(self, work: Callable[[], object]) -> list[str]:
        """Given something to do, do it and return its writing requests to Mailchimp."""
        before = self.sandbox.log.last_number()
        work()
        return [f"{one.method} {one.path}" for one in self.sandbox.log.writes(after=before)]

    def later(self, **ago: float) -> None:
        self.now += timedelta(**ago)
        self.sandbox.clock.advance(timedelta(**ago))

    def configure(self, **tables: str) -> None:
        self.tables.update(tables)

    # -- OTYS

    def list(self, name: str, *people: str, flagged: bool = True) -> MailingList:
        """Given a name and addresses, return a new list with a candidate at each address."""
        made = self.world.otys.add_list(name, flagged=flagged)
        for email in people:
            self.world.otys.add_recipient(made.uid, self.person(email))
        return made

    def person(self, email: str, first_name: str = "", last_name: str = "Jansen") -> Entity:
        first_name = first_name or email.partition("@")[0].title()
        return self.world.otys.add_entity(CANDIDATE, email=email, first_name=first_name, last_name=last_name)

    def join(self, of: MailingList, who: Entity | str) -> None:
        self.world.otys.add_recipient(of.uid, who)

    def leave(self, of: MailingList, email: str) -> None:
        self.sandbox.otys.remove_recipient(of.uid, email)

    def edit(self, who: Entity, **fields: str) -> None:
        self.sandbox.otys.edit_person(who.kind, who.uid, **fields)

    # -- Mailchimp

    def audience(self, of: MailingList) -> str:
        """Given a list, return the id of the one audience that is linked to it."""
        linked = [link for link in self.store.links("acme") if link.list_uid == of.uid and link.audience_id]
        assert len(linked) == 1, f"{of.name} has {len(linked)} audiences"
        assert linked[0].audience_id
        return linked[0].audience_id

    def contact(self, of: MailingList, email: str) -> Contact | None:
        return self.sandbox.mailchimp.contact(self.audience(of), email)

    def status(self, of: MailingList, email: str) -> str:
        found = self.contact(of, email)
        return "absent" if found is None else str(found.status)

    def subscribed(self, of: MailingList) -> set[str]:
        contacts = self.sandbox.mailchimp.audience(self.audience(of)).contacts.values()
        return {one.email_address for one in contacts if one.status == "subscribed"}

    # -- the rest

    @contextmanager
    def client(self, *, plan_only: bool = False) -> Iterator[Client]:
        """Yield the client as it is configured now."""
        config = load_config(self.write_config(), {})
        opened = open_client(
            "acme",
            config,
            self.store,
            Unwatched(),
            plan_only=plan_only,
            now=lambda: self.now,
            stop=Impatient(),
        )
        with opened as client:
            yield client

    def _run(self, *, plan_only: bool, only: str | None) -> PassReport:
        with self.client(plan_only=plan_only) as client:
            if plan_only:
                return make_plan(client)
            return reconcile(client, trigger="once", only=None if only is None else ListUid(only))

    def write_config(self) -> Path:
        """Write the configuration as it is now and return its file."""
        path = self.folder / "reconciler.toml"
        otys = f'endpoint = "{self.sandbox.otys_url}"\napi_key = "{self.world.otys_api_key}"'
        tables = {
            "otys": otys if self.mapping is None else f'{otys}\nmapping = "{self.mapping}"',
            "mailchimp": f'base_url = "{self.sandbox.mailchimp_url}"',
            "mailchimp.audience_defaults": (
                'company = "Acme"\naddress1 = "Straat 1"\ncity = "Utrecht"\nfrom_name = "Acme"\n'
                'from_email = "nieuws@acme-werving.nl"\nsubject = "Nieuws"'
            ),
            "fields": self.fields,
            **self.tables,
        }
        sections = (f"[clients.acme.{name}]\n{keys}\n" for name, keys in tables.items())
        state = f'[state]\nurl = "sqlite:///{self.folder}/state/reconciler.db"\n{self.state}\n'
        path.write_text(f'{state}[clients.acme]\nmode = "{self.mode}"\n' + "\n".join(sections), "utf-8")
        return path


def verbs(report: PassReport) -> Mapping[str, int]:
    """Given a report, return how many changes it planned, by verb."""
    return {str(verb): count for verb, count in report.planned.items()}


def results(report: PassReport) -> Mapping[tuple[str, str], int]:
    """Given a report, return how many outcomes there were, by verb and result."""
    return {(str(verb), str(result)): count for (verb, result), count in report.results.items()}


def reasons(report: PassReport, verb: Verb) -> list[str]:
    """Given a report, return why changes of this verb were planned."""
    return [change.reason for one in report.lists for change in one.changes if change.verb is verb]


@contextmanager
def agency(folder: Path, *, world: World | None = None, database: str = "") -> Iterator[Agency]:
    """Given a folder, yield an agency with an empty world; its database is a file there unless told."""
    folder.mkdir(exist_ok=True)
    with (
        Sandbox.start(world=world or World.empty(), clock=SandboxClock(frozen_at=Agency.now)) as sandbox,
        open_store(database or lay_out(folder / "state" / "reconciler.db")) as store,
    ):
        sandbox.world.otys.switches.requests_a_minute = 0
        yield Agency(sandbox, folder, store)


__all__ = ["CANDIDATE", "Agency", "Result", "agency", "reasons", "results", "verbs"]
