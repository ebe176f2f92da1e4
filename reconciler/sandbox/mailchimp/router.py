"""Which function answers which method and path of the Marketing API."""

import re
from collections.abc import Callable

from reconciler.sandbox.mailchimp import (
    account,
    audiences,
    batches,
    members,
    mergefields,
    problems,
    segments,
    subscribe,
    tags,
    webhooks,
)
from reconciler.sandbox.mailchimp.call import Call
from reconciler.sandbox.mailchimp.projection import Json

Answer = Callable[[Call], Json | None]
BASE_PATH = "/3.0"

_LIST = "/lists/{list_id}"
_MEMBER = f"{_LIST}/members/{{subscriber_hash}}"
_SEGMENT = f"{_LIST}/segments/{{segment_id}}"
_ROUTES: dict[str, dict[str, Answer]] = {
    "/": {"GET": account.root},
    "/ping": {"GET": account.ping},
    "/search-members": {"GET": account.search_members},
    "/batches": {"GET": batches.list_batches, "POST": batches.add_batch},
    "/batches/{batch_id}": {"GET": batches.get_batch, "DELETE": batches.delete_batch},
    "/lists": {"GET": audiences.list_audiences, "POST": audiences.add_audience},
    _LIST: {
        "GET": audiences.get_audience,
        "POST": subscribe.subscribe,
        "PATCH": audiences.update_audience,
        "DELETE": audiences.delete_audience,
    },
    f"{_LIST}/activity": {"GET": account.activity},
    f"{_LIST}/tag-search": {"GET": tags.search_tags},
    f"{_LIST}/members": {"GET": members.list_contacts, "POST": members.add_contact},
    _MEMBER: {
        "GET": members.get_contact,
        "PUT": members.put_contact,
        "PATCH": members.patch_contact,
        "DELETE": members.archive_contact,
    },
    f"{_MEMBER}/actions/delete-permanent": {"POST": members.delete_contact_permanently},
    f"{_MEMBER}/tags": {"GET": tags.list_tags, "POST": tags.change_tags},
    f"{_LIST}/merge-fields": {"GET": mergefields.list_merge_fields, "POST": mergefields.add_merge_field},
    f"{_LIST}/merge-fields/{{merge_id}}": {
        "GET": mergefields.get_merge_field,
        "PATCH": mergefields.update_merge_field,
        "DELETE": mergefields.delete_merge_field,
    },
    f"{_LIST}/segments": {"GET": segments.list_segments, "POST": segments.add_segment},
    _SEGMENT: {
        "GET": segments.get_segment,
        "POST": segments.change_segment_members,
        "PATCH": segments.rename_segment,
        "DELETE": segments.delete_segment,
    },
    f"{_SEGMENT}/members": {"GET": segments.list_segment_members, "POST": segments.add_segment_member},
    f"{_SEGMENT}/members/{{subscriber_hash}}": {"DELETE": segments.remove_segment_member},
    f"{_LIST}/webhooks": {"GET": webhooks.list_webhooks, "POST": webhooks.add_webhook},
    f"{_LIST}/webhooks/{{webhook_id}}": {"GET": webhooks.get_webhook, "DELETE": webhooks.delete_webhook},
}
_PATTERNS = [
    (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)), methods)
    for template, methods in _ROUTES.items()
]


def find(method: str, path: str) -> tuple[Answer, dict[str, str]]:
    """Given a method and a path, return who answers and the named parts of the path.

    Raise Problem if the path is unknown, or knows other methods only.
    """
    below = path.removeprefix(BASE_PATH).rstrip("/") or "/"
    for pattern, methods in _PATTERNS:
        match = pattern.fullmatch(below)
        if match and path.startswith(BASE_PATH):
            if method not in methods:
                raise problems.method_not_allowed(list(methods))
            return methods[method], match.groupdict()
    raise problems.not_found()
