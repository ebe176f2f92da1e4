"""What would turn one change of an audience around, as it stands now. Pure."""

from collections.abc import Mapping

from reconciler.document import ChangeDocument
from reconciler.inverse import NOTHING_WRITTEN, Inverse, Verdict, already, impossible
from reconciler.model import Audience, ListChange, ListUid, ListVerb


def invert_list_change(done: ChangeDocument, audience: Audience, reason: str) -> Inverse:
    """Given a change of an audience that an earlier pass made, return what undoes it."""
    verb = ListVerb(done.verb)
    if verb in ADVICE:
        return impossible(done, ADVICE[verb])
    if "merge_field" in done.after:
        return impossible(done, "a merge field is not taken away: it may hold values by now")
    shown = {"name": audience.name, "permission_reminder": audience.permission_reminder}
    now = {key: shown[key] for key in done.after}
    if now == dict(done.before):
        return already(done, "it is as it was before")
    if now != dict(done.after):
        return impossible(done, "it was changed since then")
    change = ListChange(
        verb=verb,
        list_uid=ListUid(done.list),
        list_name=done.list_name,
        audience_id=audience.id,
        reason=reason,
        before=done.after,
        after=done.before,
    )
    return Inverse(done=done, verdict=Verdict.TO_DO, list_change=change)


ADVICE: Mapping[str, str] = {
    ListVerb.CREATE: "an undo deletes no audience; delete the list in OTYS, or the audience in Mailchimp",
    ListVerb.LINK: "take the list out of setting GE203 to unlink it",
    ListVerb.UNLINK: "name the list in setting GE203 again, and the next pass links it again",
    ListVerb.DELETE: "`reconciler restore LIST` rebuilds a deleted audience from its backup",
    ListVerb.HOLD: NOTHING_WRITTEN,
}
"""What to do about a change of an audience that no undo inverts."""
