"""A daemon without passes: it remembers who asked, and says of itself what a test tells it to."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from reconciler.config import Config, load_config
from reconciler.document import ChangeDocument, ListDocument, PassDocument
from reconciler.list_view import Linked, ListRow, ListView
from reconciler.model import AudienceId, Link, LinkState, ListUid, PassId, PassResult
from reconciler.store import Store, StoredProposal
from reconciler.web.ports import State, UnknownClient

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOKEN = "token-0123456789"
ADDRESS = "ann@mailhuis.nl"
WITH_TOKEN = f'[http]\ntoken = "{TOKEN}"\n'
CLIENT = '[clients.{name}]\nmode = "apply"\n[clients.{name}.otys]\napi_key = "key"\n'


@dataclass
class FakeDaemon:
    store: Store
    folder: Path
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    text: str = WITH_TOKEN + CLIENT.format(name="acme")
    environ: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str | None, str | None, str]] = field(default_factory=list)
    hints: list[tuple[str, str]] = field(default_factory=list)
    hangs: str = ""
    late: dict[str, str] = field(default_factory=dict)
    states: dict[int, list[State]] = field(default_factory=dict)
    """What is answered about a pass, one after the other; the last one for ever. None: it has ended."""
    documents: dict[int, PassDocument] = field(default_factory=dict)
    broken: Exception | None = None

    def __post_init__(self) -> None:
        Gauge("reconciler_lists", "How many lists there are.", registry=self.registry).set(3)
        self._loaded: tuple[str, Config] | None = None

    def config(self) -> Config:
        if self._loaded is None or self._loaded[0] != self.text:
            path = self.folder / "reconciler.toml"
            path.write_text(self.text, "utf-8")
            self._loaded = (self.text, load_config(path, self.environ))
        return self._loaded[1]

    def ask(
        self, *, client: str | None, only: ListUid | None, trigger: str, full: bool = False
    ) -> Mapping[str, PassId]:
        if self.broken is not None:
            raise self.broken
        names = list(self.config().clients) if client is None else [client]
        if client is not None and client not in self.config().clients:
            raise UnknownClient("no such client")
        self.asked.append((client, only, f"{trigger}, full" if full else trigger))
        return {name: self.begin_pass(name) for name in names}

    def hint(self, client: str, source: str) -> None:
        self.hints.append((client, source))

    def trouble(self) -> str:
        return self.hangs

    def unready(self) -> Mapping[str, str]:
        return self.late

    def state_of(self, pass_id: PassId) -> State:
        states = self.states.get(pass_id, ["ended"])
        return states.pop(0) if len(states) > 1 else states[0]

    def document(self, pass_id: PassId) -> PassDocument | None:
        return self.documents.get(pass_id)

    # -- what a test arranges

    def begin_pass(self, client: str = "acme") -> PassId:
        return self.store.begin_pass(client, mode="apply", trigger="api", now=NOW)

    def end_pass(
        self,
        pass_id: PassId,
        *lists: ListDocument,
        result: PassResult = PassResult.DONE,
        problems: Collection[str] = (),
    ) -> None:
        """Given a pass, record that it ended so, and keep its document."""
        self.store.end_pass(pass_id, result=result, counts={}, problems=list(problems), now=NOW)
        self.documents[pass_id] = PassDocument(
            client="acme",
            pass_id=pass_id,
            mode="apply",
            result=result,
            digest="",
            started_at=NOW.isoformat(),
            ended_at=NOW.isoformat(),
            counts={},
            problems=tuple(problems),
            requests={},
            changes=tuple(change for one in lists for change in one.changes),
            withheld=(),
            lists=lists,
        )

    def withhold(self, digest: str, *, client: str = "acme", message: str = "20 of 20 would go") -> None:
        """Let the removal of 20 contacts of list 12, Kandidaten, wait."""
        link = Link(
            list_uid=ListUid("12"),
            list_name="Kandidaten",
            audience_id=AudienceId("a1"),
            state=LinkState.LINKED,
            name="Kandidaten",
            permission_reminder="",
        )
        self.store.save_link(client, link)
        proposal = StoredProposal(
            digest=digest,
            list_uid=ListUid("12"),
            verb="remove",
            count=20,
            message=message,
            plan_digest="f" * 64,
        )
        pass_id = self.begin_pass(client)
        self.store.propose(pass_id, client, [proposal], NOW + timedelta(hours=72), NOW)
        self.store.end_pass(
            pass_id, result=PassResult.WITHHELD, counts={"withheld": 20}, problems=[], now=NOW
        )


def worked_on(name: str, uid: str, *results: str, problem: str = "") -> ListDocument:
    """Given a list and what became of its added contacts, return it as a pass tells it."""
    return ListDocument(
        list=uid,
        list_name=name,
        audience="a1",
        problem=problem,
        changes=[
            ChangeDocument(
                list=uid,
                list_name=name,
                audience="a1",
                verb="add",
                email=ADDRESS,
                reason="new",
                result=result,
            )
            for result in results
        ],
    )


def row(name: str, uid: str, **more: object) -> ListRow:
    """Given a list, return it as the list view shows it."""
    values = {"mailchimp": Linked.LINKED, "recipients": 20, "contacts": 20, **more}
    return ListRow(uid=uid, name=name, **values)  # type: ignore[arg-type]  # each has the type of its field


@dataclass
class FakeLists:
    """What reads lists: one view a client."""

    views: dict[str, ListView] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def __call__(self, client: str) -> ListView:
        self.read.append(client)
        return self.views.get(client, ListView(client=client))
