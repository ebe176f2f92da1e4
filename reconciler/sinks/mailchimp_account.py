"""Knows how to find contacts of one audience, and whether the audience is there at all."""

from reconciler.api.mailchimp import Mailchimp, audience_path, member_path
from reconciler.api.mailchimp_wire import MEMBER_FIELDS, AudienceRow, MembersPage, SingleMember
from reconciler.effort import CONTACTS_A_PAGE
from reconciler.errors import NotFound
from reconciler.model import AudienceId, Contact, Standing


class AudienceContacts:
    """The contacts of one audience, one by one or those that changed last."""

    def __init__(self, client: Mailchimp, audience_id: AudienceId) -> None:
        self._client = client
        self._audience_id = audience_id

    def path(self, key: str) -> str:
        """Given a contact's id, return its path."""
        return member_path(self._audience_id, key)

    def find(self, *keys: str) -> Contact | None:
        """Given ids or contact ids of one contact, return it by the first that leads to it, else None.

        Raise NotFound when the audience itself is gone.
        """
        for key in filter(None, keys):
            try:
                params = {"fields": ",".join(MEMBER_FIELDS)}
                return self._client.read(self.path(key), SingleMember, params=params).contact()
            except NotFound:
                continue
        self.must_exist()
        return None

    def newest(self, standing: Standing, *, page: int = 0) -> set[str]:
        """Given a standing, return the ids of a page of the contacts with it, those changed last first."""
        params = {
            "status": standing,
            "sort_field": "last_changed",
            "sort_dir": "DESC",
            "count": str(CONTACTS_A_PAGE),
            "offset": str(page * CONTACTS_A_PAGE),
            "fields": "members.id,members.status,total_items",
        }
        path = f"{audience_path(self._audience_id)}/members"
        found = self._client.read(path, MembersPage, params=params)
        return {member.id for member in found.members if member.status is standing}

    def must_exist(self) -> None:
        """Raise NotFound when the audience is gone: 404 on a contact alone does not tell."""
        self._client.read(audience_path(self._audience_id), AudienceRow, params={"fields": "id,name"})
