"""Knows WebhooksService: registering, listing and the log (facts/otys.md, 9); it calls nobody."""

from datetime import datetime

from reconciler.sandbox.otys.errors import OtysRefusal, bad_arguments
from reconciler.sandbox.otys.fields import boolean
from reconciler.sandbox.otys.json_types import Json
from reconciler.sandbox.otys.state import OtysState, Webhook


def answer_webhooks(state: OtysState, method: str, arguments: list[Json], now: datetime) -> Json:
    """Given a method of WebhooksService and its arguments, return the result, or raise OtysRefusal."""
    match method:
        case "add":
            return _add(state, _argument(arguments, 0), now)
        case "update":
            return _update(state, _argument(arguments, 0), _argument(arguments, 1))
        case "delete":
            return _delete(state, _argument(arguments, 0))
        case "getList":
            return [_row(state, webhook) for webhook in state.webhooks.values()]
        case "getLogs":
            rows: list[Json] = [dict(row) for row in state.webhook_logs]
            return [rows]
        case _:
            raise OtysRefusal(f"Method Otys.Services.WebhooksService.{method} does not exist", code=-32601)


def _argument(arguments: list[Json], index: int) -> Json:
    return arguments[index] if len(arguments) > index else None


def _existing(state: OtysState, uid: Json) -> Webhook:
    webhook = state.webhooks.get(str(uid))
    if webhook is None:
        raise OtysRefusal(f"Webhook {uid} does not exist", code=-32020)
    return webhook


def _add(state: OtysState, wanted: Json, now: datetime) -> Json:
    if not isinstance(wanted, dict) or not wanted.get("serviceCall") or not wanted.get("webhookUrl"):
        raise bad_arguments("WebhooksService.add", "{serviceCall, webhookUrl, klantGlobal}")
    webhook = Webhook(
        uid=str(state.take_number()),
        service_call=str(wanted["serviceCall"]),
        url=str(wanted["webhookUrl"]),
        client_wide=bool(wanted.get("klantGlobal")),
        registered=now.strftime("%Y-%m-%d %H:%M:%S"),
    )
    state.webhooks[webhook.uid] = webhook
    return webhook.uid


def _update(state: OtysState, uid: Json, changes: Json) -> Json:
    webhook = _existing(state, uid)
    if not isinstance(changes, dict):
        raise bad_arguments("WebhooksService.update", "a uid, then the changed members")
    webhook.service_call = str(changes.get("serviceCall", webhook.service_call))
    webhook.url = str(changes.get("webhookUrl", webhook.url))
    webhook.client_wide = bool(changes.get("klantGlobal", webhook.client_wide))
    return webhook.uid


def _delete(state: OtysState, uid: Json) -> Json:
    del state.webhooks[_existing(state, uid).uid]
    return True


def _row(state: OtysState, webhook: Webhook) -> Json:
    return {
        "uid": webhook.uid,
        "serviceCall": webhook.service_call,
        "webhookUrl": webhook.url,
        "registered": webhook.registered,
        "klantGlobal": boolean(state, webhook.client_wide),
        "klantid": state.client_id,
        "userid": 12,
    }
