"""Keeps what was planned for each list: one compressed body whenever a list's plan changes."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Subquery, delete, exists, func, insert, select

from reconciler.model import ListUid, PassId
from reconciler.store.connection import Database
from reconciler.store.lists import ensure_list
from reconciler.store.tables import lists, plan_bodies


class Plans:
    """Plans as they were made; what they hold is the caller's business."""

    _database: Database

    def save_plan(  # noqa: PLR0917 (called like `record`: of which pass and list, what, and when)
        self, pass_id: PassId, client: str, list_uid: ListUid, digest: str, body: bytes, now: datetime
    ) -> None:
        """Given what a pass plans for a list, keep it; it counts until another one is kept for the list."""
        with self._database.writing() as connection:
            connection.execute(
                insert(plan_bodies).values(
                    pass_id=pass_id,
                    list_id=ensure_list(connection, client, list_uid),
                    digest=digest,
                    planned_at=now,
                    body=body,
                )
            )

    def plan_digests(self, client: str) -> Mapping[ListUid, str]:
        """Given a client, return the digest of the plan that was kept last for each of its lists."""
        latest = _latest(client)
        query = (
            select(lists.c.list_uid, plan_bodies.c.digest)
            .join(latest, plan_bodies.c.list_id == latest.c.list_id)
            .where(plan_bodies.c.pass_id == latest.c.pass_id)
            .join(lists, lists.c.id == plan_bodies.c.list_id)
        )
        with self._database.reading() as connection:
            return {ListUid(uid): digest for uid, digest in connection.execute(query)}

    def plan_bodies(self, client: str, pass_id: PassId) -> Mapping[ListUid, bytes]:
        """Given a pass of a client, return what was planned for each list as of that pass, by list uid."""
        latest = _latest(client, until=pass_id)
        query = (
            select(lists.c.list_uid, plan_bodies.c.body)
            .join(latest, plan_bodies.c.list_id == latest.c.list_id)
            .where(plan_bodies.c.pass_id == latest.c.pass_id)
            .join(lists, lists.c.id == plan_bodies.c.list_id)
            .order_by(lists.c.list_uid)
        )
        with self._database.reading() as connection:
            return {ListUid(uid): body for uid, body in connection.execute(query)}

    def forget_plans(self, before: datetime) -> int:
        """Given a moment, drop the bodies that were replaced before it; return how many went.

        A list's plan that did not change for long still counts, however old its body is.
        """
        later = plan_bodies.alias()
        replaced = (
            exists()
            .where(later.c.list_id == plan_bodies.c.list_id, later.c.pass_id > plan_bodies.c.pass_id)
            .where(later.c.planned_at < before)
        )
        with self._database.writing() as connection:
            return connection.execute(delete(plan_bodies).where(replaced)).rowcount


def _latest(client: str, *, until: PassId | None = None) -> Subquery:
    query = (
        select(plan_bodies.c.list_id, func.max(plan_bodies.c.pass_id).label("pass_id"))
        .join(lists, lists.c.id == plan_bodies.c.list_id)
        .where(lists.c.client == client)
        .group_by(plan_bodies.c.list_id)
    )
    return (query if until is None else query.where(plan_bodies.c.pass_id <= until)).subquery()
