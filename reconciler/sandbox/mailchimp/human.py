"""What people do in Mailchimp: contacts by mail and form, marketers on the screens."""

import threading

from reconciler.sandbox.clock import SandboxClock
from reconciler.sandbox.mailchimp import mergevalues, problems
from reconciler.sandbox.mailchimp.audiences import new_audience
from reconciler.sandbox.mailchimp.contacts import ContactBody, ContactRules
from reconciler.sandbox.mailchimp.state import (
    Audience,
    Contact,
    MailchimpState,
    Refusal,
    Status,
    subscriber_hash,
)


class MailchimpHuman:
    """Acts on the account at once, under the world's lock; raises LookupError for whom it does not find."""

    def __init__(self, state: MailchimpState, clock: SandboxClock, lock: threading.RLock) -> None:
        self._state = state
        self._clock = clock
        self._lock = lock

    def unsubscribe(self, list_id: str, email: str) -> None:
        """Given a contact, let the person click the unsubscribe link of a mail."""
        self._set(list_id, email, Status.UNSUBSCRIBED, Refusal.BY_PERSON)

    def bounce(self, list_id: str, email: str) -> None:
        """Given a contact, let its address bounce for good: it becomes cleaned."""
        self._set(list_id, email, Status.CLEANED, Refusal.BOUNCED)

    def put_in_compliance(self, list_id: str, email: str) -> None:
        """Given a contact, let Mailchimp's compliance team stop it."""
        self._set(list_id, email, Status.UNSUBSCRIBED, Refusal.COMPLIANCE)

    def unsubscribe_by_admin(self, list_id: str, email: str) -> None:
        """Given a contact, let a marketer unsubscribe it."""
        self._set(list_id, email, Status.UNSUBSCRIBED, Refusal.BY_API)

    def archive(self, list_id: str, email: str) -> None:
        """Given a contact, let a marketer archive it; the screen archives also what the API refuses."""
        with self._lock:
            contact = self._contact(list_id, email)
            self._set(list_id, email, Status.ARCHIVED, contact.refusal)

    def delete_permanently(self, list_id: str, email: str) -> None:
        """Given a contact, let a marketer delete it for good."""
        with self._lock:
            self._rules(list_id).delete_permanently(self._contact(list_id, email))

    def subscribe_by_form(
        self, list_id: str, email: str, merge_fields: dict[str, str] | None = None
    ) -> Contact:
        """Given an address, let the person fill in a sign-up form; only a form ends every no, 28 and 36."""
        with self._lock:
            rules = self._rules(list_id)
            rules.audience.forgotten.discard(subscriber_hash(email))
            body = ContactBody(email_address=email, merge_fields=dict(merge_fields or {}))
            contact = rules.audience.at_address(email)
            if contact is None:
                contact = rules.create(email, Status.SUBSCRIBED, body, skip_validation=True)
                contact.source = "Hosted Signup Form"
            else:
                rules.update(contact, body, skip_validation=True)
            contact.status, contact.refusal = Status.SUBSCRIBED, None
            contact.last_changed = contact.timestamp_opt = contact.timestamp_signup = rules.now
            return contact

    def confirm(self, list_id: str, email: str) -> None:
        """Given a pending contact, let the person click the link in the confirmation mail."""
        self._set(list_id, email, Status.SUBSCRIBED, None)

    def change_address(self, list_id: str, email: str, new_email: str) -> None:
        """Given a contact, let the person change its address. Raise Problem if the address is taken."""
        with self._lock:
            self._rules(list_id).update(self._contact(list_id, email), ContactBody(email_address=new_email))

    def edit_fields(self, list_id: str, email: str, **fields: str) -> None:
        """Given a contact, let a marketer write merge fields by their tags."""
        with self._lock:
            rules, contact = self._rules(list_id), self._contact(list_id, email)
            contact.merge_fields = mergevalues.accept(
                rules.audience.merge_fields, fields, contact.merge_fields, skip_validation=True
            )
            contact.last_changed = rules.now

    def add_contact(
        self,
        list_id: str,
        email: str,
        status: Status | str = Status.SUBSCRIBED,
        merge_fields: dict[str, str] | None = None,
    ) -> Contact:
        """Given an address, let a marketer add it by hand. Raise Problem if it is refused."""
        with self._lock:
            rules, body = self._rules(list_id), ContactBody(merge_fields=dict(merge_fields or {}))
            if rules.audience.at_address(email) is not None:
                raise problems.member_exists(email)
            contact = rules.create(email, Status(status), body, skip_validation=True)
            contact.source = "Admin Add"
            return contact

    def add_telephone(self, list_id: str, number: str) -> Contact:
        """Given a telephone number, let somebody sign up with it and without an address, 68."""
        with self._lock:
            rules = self._rules(list_id)
            contact = Contact(
                id=self._state.new_id(),
                contact_id=self._state.new_id(),
                web_id=self._state.new_number(),
                unique_email_id="",
                email_address="",
                status=Status.TRANSACTIONAL,
                sms_phone_number=number,
                last_changed=rules.now,
                source="SMS",
            )
            rules.audience.put(contact)
            return contact

    def make_id_odd(self, list_id: str, email: str) -> str:
        """Given a contact, give it an id that is not the md5 of its address, as old ones have, 20."""
        with self._lock:
            audience, contact = self.audience(list_id), self._contact(list_id, email)
            audience.take_out(contact)
            contact.id = self._state.new_id()
            audience.put(contact)
            return contact.id

    def tag(self, list_id: str, email: str, name: str) -> None:
        """Given a contact, let a marketer tag it."""
        with self._lock:
            rules, contact = self._rules(list_id), self._contact(list_id, email)
            contact.tags[rules.tag(name).id] = rules.now
            contact.last_changed = rules.now

    def add_audience(self, name: str) -> str:
        """Given a name, let a marketer make an audience and return its id."""
        with self._lock:
            return new_audience(self._state, name, self._clock.now()).id

    def rename_audience(self, list_id: str, name: str) -> None:
        """Given an audience, let a marketer rename it."""
        with self._lock:
            self.audience(list_id).name = name

    def edit_reminder(self, list_id: str, text: str) -> None:
        """Given an audience, let a marketer write its permission reminder."""
        with self._lock:
            self.audience(list_id).permission_reminder = text

    def send_campaign(self, list_id: str) -> None:
        """Given an audience, let a marketer mail it."""
        with self._lock:
            self.audience(list_id).campaign_last_sent = self._clock.now().replace(microsecond=0)

    def delete_audience(self, list_id: str) -> None:
        """Given an audience, let a marketer delete it."""
        with self._lock:
            del self._state.audiences[self.audience(list_id).id]

    def revoke_keys(self) -> None:
        """Let the owner of the account revoke every key and token."""
        with self._lock:
            self._state.api_keys.clear()
            self._state.access_tokens.clear()

    def audience(self, list_id: str) -> Audience:
        """Given an id, return the audience."""
        try:
            return self._state.audiences[list_id]
        except KeyError:
            raise LookupError(f"the sandbox's Mailchimp has no audience {list_id}") from None

    def contact(self, list_id: str, email: str) -> Contact | None:
        """Given an address, return the contact that has it, None if there is none."""
        with self._lock:
            return self.audience(list_id).at_address(email)

    def _contact(self, list_id: str, email: str) -> Contact:
        contact = self.audience(list_id).at_address(email)
        if contact is None:
            raise LookupError(f"audience {list_id} of the sandbox has no contact with that address")
        return contact

    def _rules(self, list_id: str) -> ContactRules:
        return ContactRules(self._state, self.audience(list_id), self._clock.now())

    def _set(self, list_id: str, email: str, status: Status, refusal: Refusal | None) -> None:
        with self._lock:
            contact = self._contact(list_id, email)
            contact.status, contact.refusal = status, refusal
            contact.last_changed = self._clock.now().replace(microsecond=0)
