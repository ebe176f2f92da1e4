"""Knows how a plan's changes are written to Mailchimp, in order, and what became of each."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from reconciler.api.mailchimp import Mailchimp, audience_path, member_path
from reconciler.api.mailchimp_errors import SYSTEM
from reconciler.api.mailchimp_wire import AudienceRow, Nothing
from reconciler.audience_record import MergeFieldRecord
from reconciler.errors import NotFound, PermissionDenied
from reconciler.model import Address, Audience, AudienceId, Change, Contact, Outcome
from reconciler.ports import NewAudience
from reconciler.sinks.mailchimp_apply import Applying
from reconciler.sinks.mailchimp_read_back import ReadBack
from reconciler.sinks.mailchimp_tags import AudienceTags


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceDefaults:
    """What a new audience says about the agency; the law wants the address, Mailchimp the rest."""

    company: str
    address1: str
    city: str
    country: str
    """Two letters, ISO 3166."""
    from_name: str
    from_email: str
    subject: str
    """Must not be empty, though every campaign has a subject of its own."""
    language: str


class MailchimpSink:
    """Writes to the audiences of one account (ports.AudienceSink)."""

    def __init__(
        self, client: Mailchimp, defaults: AudienceDefaults | None, *, skip_merge_validation: bool = False
    ) -> None:
        self._client = client
        self._defaults = defaults
        self._params = {"skip_merge_validation": "true"} if skip_merge_validation else {}

    def create(self, wanted: NewAudience) -> Audience:
        """Create an audience. Raise PermissionDenied when the plan's limit is reached."""
        if self._defaults is None:
            raise PermissionDenied(
                SYSTEM,
                "no audience is created without the agency's name and address",
                advice="Fill in audience_defaults in the client's [mailchimp] section.",
            )
        body = _new_audience(wanted, self._defaults)
        try:
            return self._client.write("POST", "/lists", body, AudienceRow).audience()
        except PermissionDenied as error:
            # Mailchimp has no words of its own for the limit (facts/mailchimp.md, 54).
            raise PermissionDenied(
                error.system,
                "no further audience may be created: the plan's limit of audiences is reached, "
                "or the key's user may not create any",
                advice="Delete an audience, take a larger plan, or select fewer lists; else check the "
                "rights of the key's user.",
            ) from error

    def edit(
        self, audience_id: AudienceId, *, name: str | None = None, permission_reminder: str | None = None
    ) -> Audience:
        """Given an audience, change its name or reminder, or both. Raise NotFound when it is gone."""
        wanted = {"name": name, "permission_reminder": permission_reminder}
        body = {key: value for key, value in wanted.items() if value is not None}
        return self._client.write("PATCH", audience_path(audience_id), body, AudienceRow).audience()

    def delete(self, audience_id: AudienceId) -> None:
        """Given an audience, delete it for good. An audience already gone is fine.

        Raise BadRequest or PermissionDenied when Mailchimp will not, as for a week after a campaign
        (facts/mailchimp.md, 38).
        """
        try:
            self._client.delete(audience_path(audience_id))
        except NotFound:
            return
        except PermissionDenied as error:
            raise PermissionDenied(
                error.system,
                "the audience may not be deleted now",
                advice="Mailchimp refuses it for a week after a campaign, and while one is scheduled or a "
                "landing page is live; the next pass tries again. If it lasts, check the rights of the key's "
                "user.",
            ) from error

    def erase(self, audience_id: AudienceId, contact: Contact) -> None:
        """Given a contact, delete it for good: nothing but a form brings it back (facts/mailchimp.md, 36).

        One that is gone already is fine.
        """
        with suppress(NotFound):
            self._client.act(f"{member_path(audience_id, contact.id)}/actions/delete-permanent")

    def create_merge_field(
        self, audience_id: AudienceId, tag: str, *, like: MergeFieldRecord | None = None
    ) -> None:
        """Given an audience, add a merge field with this tag: a text one, or one like another.

        Raise BadRequest when it has no room.
        """
        body: dict[str, object] = {
            "tag": tag,
            "name": tag,
            "type": "text",
            "required": False,
            "public": False,
        }
        if like is not None:
            body |= msgspec.to_builtins(like)
        self._client.write("POST", f"{audience_path(audience_id)}/merge-fields", body, Nothing)

    def tag(self, audience_id: AudienceId, name: str, addresses: Sequence[Address]) -> None:
        """Given a tag and addresses of contacts, let each have the tag. One that has it already is fine."""
        AudienceTags(self._client, audience_id).give(name, addresses)

    def apply(self, audience_id: AudienceId, changes: Sequence[Change]) -> Iterator[Sequence[Outcome]]:
        """Given changes, write them in the order of ports.AudienceSink; yield outcomes as they are known."""
        return Applying(self._client, audience_id, self._params).write(changes)

    def read_back(self, audience_id: AudienceId, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Given outcomes, return a `not_true` one for each that reading shows to be otherwise.

        Raise RemoteError when it cannot be read.
        """
        return ReadBack(self._client, audience_id).check(outcomes)


def _new_audience(wanted: NewAudience, defaults: AudienceDefaults) -> dict[str, object]:
    return {
        "name": wanted.name,
        "permission_reminder": wanted.permission_reminder,
        "email_type_option": True,
        "contact": {
            "company": defaults.company,
            "address1": defaults.address1,
            "city": defaults.city,
            "country": defaults.country,
        },
        "campaign_defaults": {
            "from_name": defaults.from_name,
            "from_email": defaults.from_email,
            "subject": defaults.subject,
            "language": defaults.language,
        },
    }
