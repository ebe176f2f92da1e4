"""The webhooks of an audience, facts/mailchimp.md, 2.10: registered and kept, not called."""

from urllib.parse import urlsplit

import msgspec
import requests

from reconciler.sandbox.mailchimp import problems
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.links import links
from reconciler.sandbox.mailchimp.projection import Json
from reconciler.sandbox.mailchimp.state import Audience, Webhook, WebhookEvents, WebhookSources

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PATIENCE_SECONDS = 2.0


class WebhookBody(msgspec.Struct):
    """What is sent to register one."""

    url: str = ""
    events: WebhookEvents = msgspec.field(default_factory=WebhookEvents)
    sources: WebhookSources = msgspec.field(default_factory=WebhookSources)


def list_webhooks(call: Call) -> Json:
    """GET /lists/{list_id}/webhooks."""
    audience = call.audience()
    return {
        "webhooks": [_webhook(audience, one) for one in audience.webhooks[call.page()]],
        "list_id": audience.id,
        "total_items": len(audience.webhooks),
        "_links": links(f"/lists/{audience.id}/webhooks"),
    }


def add_webhook(call: Call) -> Json:
    """POST /lists/{list_id}/webhooks. Raise Problem if the URL is taken, is none, or does not answer, 61."""
    audience, body = call.audience(), call.body(WebhookBody)
    if not body.url:
        raise problems.missing("url")
    if any(one.url == body.url for one in audience.webhooks):
        raise problems.invalid_field("url", "Sorry, you can't set up multiple WebHooks for one URL")
    if not _answers(body.url):
        raise problems.invalid_field("url", "We couldn't verify the provided Webhook URL")
    webhook = Webhook(id=call.state.new_id(10), url=body.url, events=body.events, sources=body.sources)
    audience.webhooks.append(webhook)
    return _webhook(audience, webhook)


def get_webhook(call: Call) -> Json:
    """GET /lists/{list_id}/webhooks/{webhook_id}."""
    return _webhook(call.audience(), _named(call))


def delete_webhook(call: Call) -> None:
    """DELETE /lists/{list_id}/webhooks/{webhook_id}."""
    call.audience().webhooks.remove(_named(call))


def _named(call: Call) -> Webhook:
    for webhook in call.audience().webhooks:
        if webhook.id == call.path["webhook_id"]:
            return webhook
    raise problems.not_found()


def _answers(url: str) -> bool:
    """Given a URL, return whether it answers; one that is not on loopback is believed, never called."""
    target = urlsplit(url)
    if target.scheme not in ("http", "https") or not target.hostname:
        return False
    if target.hostname not in _LOOPBACK:
        return True
    try:
        with requests.get(url, timeout=_PATIENCE_SECONDS, allow_redirects=False) as reply:
            return reply.status_code == 200
    except requests.RequestException:
        return False


def _webhook(audience: Audience, webhook: Webhook) -> Json:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.events,
        "sources": webhook.sources,
        "list_id": audience.id,
        "_links": links(f"/lists/{audience.id}/webhooks/{webhook.id}"),
    }
