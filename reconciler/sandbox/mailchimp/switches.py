"""Which answer is given where the facts disagree or stay silent."""

import msgspec


class Switches(msgspec.Struct, kw_only=True):
    """Where the facts disagree or stay silent, which answer is given; strict unless told otherwise."""

    refuse_count_above_1000: bool = True  # or cap it, facts/mailchimp.md, 7
    listing_hides_archived: bool = True  # 14
    since_includes_equal: bool = False  # whether since_… shows what has exactly that moment, 15
    refuse_resubscribing_after_api: bool = True  # 29
    archiving_keeps_refusal: bool = True  # 32
    batch_revives_archived: bool = False  # 43
    batch_honours_tags: bool = False  # 1.1, 7
    visible_after_seconds: int = 0  # how long contacts made by a batch or list write stay unseen, 19
    partial_audience_update: bool = True  # 1.1: the specification wants every field on a PATCH
    may_write: bool = True  # the role of the key's user, 4
    may_delete_audiences: bool = True  # limits on bulk actions, 38
    claim_may_create: bool | None = None  # constraints that are stale, 54

    @classmethod
    def lenient(cls) -> "Switches":
        """Return the switches of a service that lets everything pass that the facts do not agree on."""
        return cls(
            refuse_count_above_1000=False,
            since_includes_equal=True,
            refuse_resubscribing_after_api=False,
            archiving_keeps_refusal=False,
            batch_revives_archived=True,
            batch_honours_tags=True,
        )
