"""An agency's office: both services in a sandbox, and a configuration that commands find by themselves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.otys.state import Entity, MailingList

CLIENT = """
[clients.{name}]
mode = "{mode}"
[clients.{name}.otys]
endpoint = "{endpoint}"
api_key = "{key}"
[clients.{name}.mailchimp]
base_url = "{mailchimp}"
[clients.{name}.mailchimp.audience_defaults]
company = "Acme"
address1 = "Straat 1"
city = "Utrecht"
from_name = "Acme"
from_email = "nieuws@acme-werving.nl"
subject = "Nieuws"
"""


@dataclass
class Office:
    """What a test sees of the world while commands run against it."""

    sandbox: Sandbox
    folder: Path
    clients: dict[str, str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        return self.sandbox.world

    def configure(self, name: str, *, mode: str = "apply", tables: str = "", key: str | None = None) -> None:
        """Given a client, write the configuration anew with it; all share one sandbox."""
        self.clients[name] = self.tables_of(name, mode=mode, key=key) + tables.replace(
            "[", f"[clients.{name}."
        )
        path = self.folder / "config" / "reconciler.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(self.clients.values()), "utf-8")

    def tables_of(self, name: str, *, mode: str = "apply", key: str | None = None) -> str:
        """Given a client, return its tables as a file of the configuration holds them."""
        return CLIENT.format(
            name=name,
            mode=mode,
            endpoint=self.sandbox.otys_url,
            key=self.world.otys_api_key if key is None else key,
            mailchimp=self.sandbox.mailchimp_url,
        )

    def mailing_list(self, name: str, *people: str, flagged: bool = True) -> MailingList:
        """Given a name and addresses, return a new list with a candidate at each address."""
        made = self.world.otys.add_list(name, flagged=flagged)
        for email in people:
            self.world.otys.add_recipient(made.uid, self.person(email))
        return made

    def person(self, email: str) -> Entity:
        first_name = email.partition("@")[0].title()
        return self.world.otys.add_entity("candidate", email=email, first_name=first_name, last_name="Jansen")

    def edit(self, known_as: str, **fields: str) -> None:
        """Given somebody's address, change what OTYS knows of them."""
        for who in self.sandbox.otys.people_at(known_as):
            self.sandbox.otys.edit_person(who.kind, who.uid, **fields)

    def audience_id(self, name: str) -> str:
        """Given a name, return the id of the one audience called so."""
        found = [one.id for one in self.world.mailchimp.audiences.values() if one.name == name]
        assert len(found) == 1, f"{len(found)} audiences are called {name}"
        return found[0]

    def subscribed(self, name: str) -> set[str]:
        """Given an audience's name, return who is subscribed to it."""
        contacts = self.sandbox.mailchimp.audience(self.audience_id(name)).contacts.values()
        return {one.email_address for one in contacts if one.status == "subscribed"}

    def writes_of(self, work: Callable[[], object]) -> list[str]:
        """Given something to do, do it and return its writing requests to Mailchimp."""
        before = self.sandbox.log.last_number()
        work()
        return [f"{one.method} {one.path}" for one in self.sandbox.log.writes(after=before)]


@contextmanager
def open_office(folder: Path, world: World | None = None) -> Iterator[Office]:
    """Given a folder, yield an office with one client, `acme`, in apply mode."""
    with Sandbox.start(world=world or World.empty()) as sandbox:
        sandbox.world.otys.switches.requests_a_minute = 0
        office = Office(sandbox, folder)
        office.configure("acme")
        yield office


def flat(text: str) -> str:
    """Given what was printed, return it without the line breaks that the width of a terminal brings."""
    return " ".join(text.split())
