"""The links by which an answer tells what can be done next, as they were recorded on the live service."""

from typing import NamedTuple

from reconciler.sandbox.mailchimp.projection import Json

_API = "https://us6.api.mailchimp.com/3.0"
_SCHEMAS = "https://us6.api.mailchimp.com/schema/3.0"


class Link(NamedTuple):
    """One thing that can be done, at the resource itself, above it or below it."""

    rel: str
    method: str
    below: str = ""
    target: str = ""
    schema: str = ""


def _itself(definition: str, *writes: Link) -> tuple[Link, ...]:
    """Given a kind of resource and the ways to write it, return the links every such resource has."""
    answer = f"Definitions/{definition}/Response.json"
    return (
        Link("self", "GET", target=answer),
        Link(
            "parent",
            "GET",
            target=f"Definitions/{definition}/CollectionResponse.json",
            schema=f"Paths/{definition}/Collection.json",
        ),
        *(
            write._replace(target=answer, schema=f"Definitions/{definition}/{write.method}.json")
            for write in writes
        ),
    )


def _collection(rel: str, definition: str) -> Link:
    return Link(
        rel,
        "GET",
        below=f"/{rel}",
        target=f"Definitions/{definition}/CollectionResponse.json",
        schema=f"Paths/{definition}/Collection.json",
    )


_UPDATE, _UPSERT, _DELETE = Link("update", "PATCH"), Link("upsert", "PUT"), Link("delete", "DELETE")

MEMBER = (
    *_itself("Lists/Members", _UPDATE, _UPSERT),
    _DELETE,
    Link("activity", "GET", "/activity", "Definitions/Lists/Members/Activity/Response.json"),
    Link("goals", "GET", "/goals", "Definitions/Lists/Members/Goals/Response.json"),
    Link("notes", "GET", "/notes", "Definitions/Lists/Members/Notes/CollectionResponse.json"),
    Link("events", "POST", "/events", "Definitions/Lists/Members/Events/POST.json"),
    Link("delete_permanent", "POST", "/actions/delete-permanent"),
)
AUDIENCE = (
    *_itself("Lists", _UPDATE),
    Link(
        "batch-sub-unsub-members",
        "POST",
        target="Definitions/Lists/BatchPOST-Response.json",
        schema="Definitions/Lists/BatchPOST.json",
    ),
    _DELETE,
    Link("activity", "GET", "/activity", "Definitions/Lists/Activity/Response.json"),
    _collection("members", "Lists/Members"),
    _collection("merge-fields", "Lists/MergeFields"),
    _collection("segments", "Lists/Segments"),
    _collection("webhooks", "Lists/Webhooks"),
)
MERGE_FIELD = (*_itself("Lists/MergeFields", _UPDATE), _DELETE)
ALONE = (Link("self", "GET"),)


def links(path: str, known: tuple[Link, ...] = ALONE) -> list[Json]:
    """Given the path of a resource and what its kind knows, return its links."""
    home = _API + path
    above = home.rpartition("/")[0]
    return [_link(link, above if link.rel == "parent" else home + link.below) for link in known]


def _link(link: Link, address: str) -> Json:
    shown: Json = {"rel": link.rel, "href": address, "method": link.method}
    if link.target:
        shown["targetSchema"] = f"{_SCHEMAS}/{link.target}"
    if link.schema:
        shown["schema"] = f"{_SCHEMAS}/{link.schema}"
    return shown
