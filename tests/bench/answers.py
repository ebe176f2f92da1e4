"""What both services answer about the made-up agencies, in as few steps as can be."""

from collections.abc import Iterable, Mapping

import msgspec

from tests.bench.town import Someone, Town, audience_id, in_audience, list_uid, number_of, on_list

Json = dict[str, object]
REMINDER = "Je ontvangt deze mail omdat je bij ons staat ingeschreven."
MERGE_FIELDS = (
    b'{"merge_fields":[{"tag":"FNAME"},{"tag":"LNAME"},{"tag":"ADDRESS"},{"tag":"PHONE"}],"total_items":4}'
)
# Mailchimp answers an add with whole contacts, of some 3,700 bytes each (facts/performance.md).
REST_OF_A_CONTACT = b'"rest":"' + b"x" * 3_300 + b'"'


class Call(msgspec.Struct):
    """A request to OTYS."""

    method: str
    params: list[object]


class Add(msgspec.Struct):
    """One row of an adding request."""

    email_address: str
    merge_fields: dict[str, str] = {}


class Adds(msgspec.Struct):
    """An adding request."""

    members: list[Add]


class Agency:
    """One town, and whoever was added to its audiences since."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.added: dict[str, bytes] = {}

    # -- OTYS

    def otys(self, body: bytes) -> bytes:
        """Given a call, return the answer."""
        call = msgspec.json.decode(body, type=Call)
        name = call.method.removeprefix("Otys.Services.")
        return b'{"jsonrpc":"2.0","result":' + self._result(name, call.params) + b',"id":1}'

    def _result(self, name: str, params: list[object]) -> bytes:
        if name == "CsmService.getValue":
            return msgspec.json.encode({key: {"value": value} for key, value in self._settings().items()})
        if name == "MailingListService.getListEx":
            return self._catalogue(_arguments(params))
        if name == "MailingListRecipientService.getListEx":
            return self._recipients(_arguments(params))
        if name == "check":
            return b'{"id":12,"clientId":4711,"client":"Bench","partnerId":78}'
        if name in ("loginByUid", "logout"):
            return b'"90d0a5f6fa9293e67a1a427c27f9754c"'
        raise LookupError(f"nothing here answers {name}")

    def _settings(self) -> Mapping[str, str]:
        return {
            "SE3109": "1",
            "SE3110": "bench",
            "SE3111": "0123456789abcdef0123456789abcdef-us6",
            "SE3121": REMINDER,
            "GE203": ",".join(map(list_uid, range(self.town.lists))),
        }

    def _catalogue(self, asked: Json) -> bytes:
        rows = (
            msgspec.json.encode(
                {
                    "uid": list_uid(number),
                    "name": f"Lijst {number}",
                    "owner": "Sanne de Vries",
                    "lastModified": "2024-02-01 10:00:00",
                    "isMailchimp": "1",
                    "permissionReminder": "Standaard",
                    "recipientCount": str(self.town.recipients),
                    "isDeleted": "0",
                }
            )
            for number in _stretch(asked["offset"], asked["limit"], self.town.lists)
        )
        return _listing(rows, self.town.lists)

    def _recipients(self, asked: Json) -> bytes:
        condition = msgspec.convert(asked["condition"], dict[str, str])
        number = number_of(condition["param"])
        stretch = _stretch(asked["offset"], asked["limit"], self.town.recipients)
        return _listing((one.otys_row for one in on_list(self.town, number, stretch)), self.town.recipients)

    # -- Mailchimp

    def mailchimp(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> bytes:
        """Given a request, return the answer."""
        match path.strip("/").split("/"):
            case ["lists"]:
                return self._audiences(query)
            case ["lists", _] if method == "POST":
                return self._add(msgspec.json.decode(body, type=Adds).members)
            case ["lists", _, "merge-fields"]:
                return MERGE_FIELDS
            case ["lists", audience, "members"]:
                return self._members(number_of(audience), query)
            case ["lists", _, "members", key] if key in self.added:
                return self.added[key]
        raise LookupError(f"nothing here answers {method} {path}")

    def _audiences(self, query: Mapping[str, str]) -> bytes:
        rows = (
            msgspec.json.encode(
                {"id": audience_id(number), "name": f"Lijst {number}", "permission_reminder": REMINDER}
            )
            for number in _stretch(query["offset"], query["count"], self.town.lists)
        )
        return b'{"lists":[' + b",".join(rows) + b'],"total_items":%d}' % self.town.lists

    def _members(self, number: int, query: Mapping[str, str]) -> bytes:
        """Everybody changed at the same moment, so that either order begins with the same."""
        total = 0 if self.town.empty or query.get("status") == "archived" else self.town.recipients
        stretch = _stretch(query.get("offset", 0), query["count"], total)
        short = "members.merge_fields" not in query["fields"]
        people = in_audience(self.town, number, stretch)
        rows = b",".join(one.changed_row if short else one.member_row for one in people)
        return b'{"members":[' + rows + b'],"total_items":%d}' % total

    def _add(self, rows: Iterable[Add]) -> bytes:
        answered: list[bytes] = []
        for row in rows:
            fields = row.merge_fields
            one = Someone("", row.email_address, fields.get("FNAME", ""), fields.get("LNAME", ""))
            self.added[one.member_id] = one.member_row
            answered.append(one.member_row[:-1] + b"," + REST_OF_A_CONTACT + b"}")
        return b'{"new_members":[' + b",".join(answered) + b'],"updated_members":[],"errors":[]}'


def _arguments(params: list[object]) -> Json:
    return msgspec.convert(params[1], Json)


def _stretch(offset: object, count: object, total: int) -> range:
    start = int(str(offset))
    return range(min(start, total), min(start + int(str(count)), total))


def _listing(rows: Iterable[bytes], total: int) -> bytes:
    return b'{"listOutput":[' + b",".join(rows) + b'],"totalCount":%d}' % total
