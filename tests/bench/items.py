"""One list on three sides as plain tuples, the same for the product and for its peers. Needs no library."""

from dataclasses import dataclass

Side = dict[str, tuple[str, str]]
FIRST_NAMES = ("Sanne", "Johannes", "Fatima", "Daan", "Annelies", "Mohamed", "Roos", "Willem-Jan")
LAST_NAMES = ("Jansen", "de Vries", "Bakker", "Çelik", "van den Berg", "Smit", "El Idrissi", "Mulder")


@dataclass(frozen=True)
class Items:
    """Who is on the list, in the audience, and was in both when they were last in step."""

    listed: Side
    there: Side
    known: Side


def items_of(contacts: int, churn: float) -> Items:
    """Given how many contacts and which share of them changed on the list, return all three sides.

    What changed is by turns another first name, and somebody else in somebody's place.
    """
    return Items(
        listed=dict(_listed(number, churn) for number in range(contacts)),
        there=dict(_someone(number) for number in range(contacts)),
        known=dict(_someone(number) for number in range(contacts)),
    )


def changed(items: Items) -> int:
    """Given three sides, return how many addresses there is something to do about."""
    there, known = items.there.get, items.known.get
    written = sum(known(email) != fields or there(email) != fields for email, fields in items.listed.items())
    return written + sum(email not in items.listed for email in items.known)


def _someone(number: int) -> tuple[str, tuple[str, str]]:
    first, last = FIRST_NAMES[number % 8], LAST_NAMES[number // 8 % 8]
    # Every side gets texts of its own, as it would from the wire.
    return f"{first}.{number}@mailhuis.nl".lower(), (
        str(first.encode(), "utf-8"),
        str(last.encode(), "utf-8"),
    )


def _listed(number: int, churn: float) -> tuple[str, tuple[str, str]]:
    step = round(1 / churn) if churn else 0
    email, fields = _someone(number)
    if not step or number % step:
        return email, fields
    return (f"new.{email}", fields) if number // step % 2 else (email, ("Maria", fields[1]))
