"""The product as it is measured: a client put together as `wiring` does, but for OTYS' limit a minute."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from reconciler.api.http import HttpClient
from reconciler.api.ows import OwsClient
from reconciler.api.rate import Allowance
from reconciler.client import Client, Unwatched
from reconciler.config import MailchimpConfig
from reconciler.policy import Limits, Policy
from reconciler.sources.mapping import load_mapping
from reconciler.sources.otys import OtysSource
from reconciler.store import Store
from reconciler.trust import ANNOUNCED_ENOUGH, EDITS_ENOUGH, Evidence, Trust
from reconciler.wiring import open_mailchimp

FIELDS = {"FNAME": "{first_name}", "LNAME": "{infix} {last_name}"}
NO_LIMIT = 1_000_000
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BELIEVED = Trust(evidence=Evidence(announced=ANNOUNCED_ENOUGH, edits=EDITS_ENOUGH))
"""Of a catalogue of OTYS that has proved itself."""


@contextmanager
def open_bench_client(
    url: str, name: str, store: Store, *, writes: bool, now: Callable[[], datetime] = lambda: NOW
) -> Iterator[Client]:
    """Given where a town is served, yield its client, ready for passes."""
    with (
        HttpClient("OTYS") as http,
        OwsClient(http, f"{url}/{name}/jservice.php", "key", allowance=Allowance(NO_LIMIT)) as ows,
    ):
        mailchimp = MailchimpConfig.model_validate({"base_url": f"{url}/{name}/3.0"})
        yield Client(
            name=name,
            mode="apply" if writes else "plan",
            lists=OtysSource(ows, load_mapping(None)),
            open_mailchimp=lambda integration: open_mailchimp(
                mailchimp, integration, lambda _note: None, writes=writes
            ),
            store=store,
            templates=FIELDS,
            policy=Policy(),
            limits=Limits(),
            watcher=Unwatched(),
            now=now,
            backups=Path("backups"),
            pairs={},
        )
