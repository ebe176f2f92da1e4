"""Keeps the plan of each pass, one compressed body a list."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select

from reconciler.model import ListUid, PassId
from reconciler.store.connection import Database
from reconciler.store.lists import ensure_lists
from reconciler.store.tables import lists, plan_bodies, plans


class Plans:
    """Plans as they were made; what they hold is the caller's business."""

    _database: Database

    def save_plan(
        self, pass_id: PassId, client: str, *, digest: str, bodies: Mapping[ListUid, bytes], now: datetime
    ) -> None:
        """Given a pass's plan, keep it."""
        with self._database.writing() as connection:
            numbers = ensure_lists(connection, client, bodies.keys())
            connection.execute(
                insert(plans).values(pass_id=pass_id, client=client, digest=digest, planned_at=now)
            )
            if bodies:
                connection.execute(
                    insert(plan_bodies),
                    [
                        {"pass_id": pass_id, "list_id": numbers[uid], "body": body}
                        for uid, body in bodies.items()
                    ],
                )

    def plan_bodies(self, pass_id: PassId) -> Mapping[ListUid, bytes]:
        """Given a pass, return the bodies of its plan; none when it had no plan or it was forgotten."""
        query = (
            select(lists.c.list_uid, plan_bodies.c.body)
            .join(lists, lists.c.id == plan_bodies.c.list_id)
            .where(plan_bodies.c.pass_id == pass_id)
            .order_by(lists.c.list_uid)
        )
        with self._database.reading() as connection:
            return {ListUid(uid): body for uid, body in connection.execute(query)}

    def forget_plans(self, before: datetime) -> int:
        """Given a moment, drop the bodies of plans made before it; return how many went.

        Their digests stay, so that a late approval is told what became of its plan.
        """
        old = select(plans.c.pass_id).where(plans.c.planned_at < before)
        with self._database.writing() as connection:
            return connection.execute(delete(plan_bodies).where(plan_bodies.c.pass_id.in_(old))).rowcount
