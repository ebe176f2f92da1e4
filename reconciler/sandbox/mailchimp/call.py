"""One authenticated call of the Marketing API: what it names, what it sends, what it asks for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from reconciler.sandbox.exchange import fault_label
from reconciler.sandbox.faults import FaultKind, Faults
from reconciler.sandbox.mailchimp import problems
from reconciler.sandbox.mailchimp.contacts import ContactRules
from reconciler.sandbox.mailchimp.misfits import misfit
from reconciler.sandbox.mailchimp.moments import read_moment
from reconciler.sandbox.mailchimp.projection import Projection
from reconciler.sandbox.mailchimp.state import Audience, Contact, MailchimpState, Segment
from reconciler.sandbox.service import SAFE_METHODS, Reply, Request

DEFAULT_COUNT = 10
MAX_COUNT = 1000
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Call:
    """A request with the account it is made on."""

    state: MailchimpState
    request: Request
    path: Mapping[str, str]  # the parts of the path that have a name
    now: datetime
    faults: Faults
    perform: Callable[[Request], Reply]  # carries out another request, for batches
    in_batch: bool = False

    @property
    def base_url(self) -> str:
        """Return the address of this server as the caller knows it, without a path."""
        return f"http://{self.request.headers.get('host', '127.0.0.1')}"

    @property
    def projection(self) -> Projection:
        """Return what the caller wants to see of the answer."""
        return Projection.of(self.request.query)

    def audience(self) -> Audience:
        """Return the audience the path names. Raise Problem if there is none."""
        audience = self.state.audiences.get(self.path["list_id"])
        if audience is None:
            raise problems.not_found()
        return audience

    def contact(self) -> Contact:
        """Return the contact the path names in one of three ways. Raise Problem if there is none."""
        contact = self.audience().find(self.path["subscriber_hash"])
        if contact is None or (self.request.method in SAFE_METHODS and not self._shows(contact)):
            raise problems.not_found()
        return contact

    def visible(self, audience: Audience) -> list[Contact]:
        """Given an audience, return its contacts but for those that were made a moment ago, 19."""
        return [one for one in audience.contacts.values() if self._shows(one)]

    def _shows(self, contact: Contact) -> bool:
        return contact.visible_from is None or contact.visible_from <= self.now

    def segment(self) -> Segment:
        """Return the segment the path names. Raise Problem if there is none."""
        number = self.path["segment_id"]
        segment = self.audience().segments.get(int(number)) if number.isdigit() else None
        if segment is None:
            raise problems.not_found()
        return segment

    def rules(self, *, many: bool = False) -> ContactRules:
        """Given whether many are written at once, return the rules for the contacts of the audience."""
        delay = timedelta(seconds=self.state.switches.visible_after_seconds)
        late = delay and (many or self.in_batch)
        return ContactRules(
            self.state, self.audience(), self.now, visible_from=self.now + delay if late else None
        )

    def body(self, form: type[Body]) -> Body:
        """Given the form of a body, return the body sent. Raise Problem if it has another form."""
        try:
            return msgspec.json.decode(self.request.body or b"null", type=form)
        except msgspec.ValidationError as error:
            raise misfit(error) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise problems.unparsable() from error

    def flag(self, name: str) -> bool:
        """Given the name of a parameter, return whether it is switched on."""
        return self.request.query.get(name, "").lower() in ("true", "1")

    def moment(self, name: str) -> datetime | None:
        """Given the name of a parameter, return the moment it holds, if any. Raise Problem if it is none."""
        text = self.request.query.get(name)
        if not text:
            return None
        try:
            return read_moment(text)
        except ValueError as error:
            raise problems.bad_request(f"{name} is not a valid date/time in ISO 8601 format.") from error

    def page(self) -> slice:
        """Return the rows asked for, ten unless told otherwise. Raise Problem if they are too many, 8."""
        count = self._whole_number("count", DEFAULT_COUNT)
        offset = self._whole_number("offset", 0)
        if count > MAX_COUNT and self.state.switches.refuse_count_above_1000:
            raise problems.invalid_field("count", f"This value should be {MAX_COUNT} or less.")
        if shift := self.fault(FaultKind.SHIFT_BETWEEN_PAGES) if offset else None:
            offset += shift
        return slice(offset, offset + min(count, MAX_COUNT))

    def fault(self, kind: FaultKind) -> int:
        """Given a kind of fault, return by how many rows it strikes this call, 0 if it does not."""
        fault = self.faults.take("mailchimp", fault_label(self.request), {kind})
        return int(fault.number(1)) if fault else 0

    def _whole_number(self, name: str, otherwise: int) -> int:
        text = self.request.query.get(name, "")
        if not text:
            return otherwise
        if not text.isascii() or not text.isdigit():
            raise problems.invalid_field(name, "This value should be a number of 0 or more.")
        return int(text)
