"""Knows how a world starts: a tenant of OTYS and its Mailchimp account, the same for the same seed."""

import random
from typing import Self

import msgspec

from reconciler.sandbox.mailchimp.state import DEFAULT_API_KEY, MailchimpState
from reconciler.sandbox.otys.state import OtysState
from reconciler.sandbox.worlds import account, demo, small
from reconciler.sandbox.worlds.settings import switch_on

DEFAULT_SEED = 1
WORLDS = ("small", "demo", "empty")


class World(msgspec.Struct, kw_only=True):
    """Everything both services know."""

    seed: int = DEFAULT_SEED
    otys: OtysState = msgspec.field(default_factory=OtysState)
    mailchimp: MailchimpState = msgspec.field(default_factory=MailchimpState)

    @property
    def otys_api_key(self) -> str:
        """Return the key that opens OTYS."""
        return self.otys.api_key

    @property
    def mailchimp_api_key(self) -> str:
        """Return the key that opens Mailchimp, as setting SE3111 names it."""
        return DEFAULT_API_KEY

    @classmethod
    def empty(cls, seed: int = DEFAULT_SEED) -> Self:
        """Given a seed, return a world with settings and nothing else."""
        world = cls(seed=seed, mailchimp=MailchimpState(seed=seed))
        switch_on(world.otys)
        return world

    @classmethod
    def small(cls, seed: int = DEFAULT_SEED) -> Self:
        """Given a seed, return six lists with fewer than 200 recipients and an empty account."""
        world = cls(seed=seed, mailchimp=MailchimpState(seed=seed))
        small.populate(world.otys, random.Random(seed))
        return world

    @classmethod
    def demo(cls, seed: int = DEFAULT_SEED, *, scale: float = 1.0) -> Self:
        """Given a seed, return hundreds of lists, one of 15,000, and an account with two audiences."""
        world = cls(seed=seed, mailchimp=MailchimpState(seed=seed))
        chance = random.Random(seed)
        demo.populate(world.otys, chance, scale=scale)
        account.populate(world.mailchimp, world.otys, chance)
        return world

    @classmethod
    def named(cls, name: str, seed: int = DEFAULT_SEED) -> Self:
        """Given the name of a world, return it. Raise ValueError if there is none of that name."""
        match name:
            case "small":
                return cls.small(seed)
            case "demo":
                return cls.demo(seed)
            case "empty":
                return cls.empty(seed)
            case _:
                raise ValueError(f"there is no world {name!r}; choose {', '.join(WORLDS)}")
