"""Remembers how far each client's catalogue of OTYS is believed."""

from typing import Final

import msgspec
from sqlalchemy import select

from reconciler.errors import StoreError
from reconciler.store.connection import Database, insert
from reconciler.store.tables import meta
from reconciler.trust import Trust

_NAME: Final = "catalogue of "


class Catalogues:
    """What was seen of catalogues; few words that change a few dozen times in a client's life."""

    _database: Database

    def catalogue_trust(self, client: str) -> Trust:
        """Given a client, return what is remembered of its catalogue."""
        with self._database.reading() as connection:
            kept = connection.scalar(select(meta.c.value).where(meta.c.name == _NAME + client))
        if kept is None:
            return Trust()
        try:
            return msgspec.json.decode(kept, type=Trust)
        except msgspec.DecodeError:
            raise StoreError(
                f"What is remembered of the catalogue of {client} cannot be read.",
                advice="Run `reconciler db check`; a backup of the database has it as it was.",
            ) from None

    def keep_catalogue_trust(self, client: str, trust: Trust) -> None:
        """Given a client, remember this of its catalogue."""
        with self._database.writing() as connection:
            statement = insert(connection, meta).values(
                name=_NAME + client, value=msgspec.json.encode(trust).decode()
            )
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["name"], set_={"value": statement.excluded.value}
                )
            )
