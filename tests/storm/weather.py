"""How bad the weather is: which faults strike both services, and how often."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from random import Random

from reconciler.sandbox.faults import Fault, FaultKind, Faults

SERVER_ERRORS = (500, 502, 503, 504)
VALUES: Mapping[FaultKind, float | str] = {
    FaultKind.LATENCY: 0.005,
    FaultKind.TIMEOUT_BEFORE: 0.01,
    FaultKind.TIMEOUT_AFTER_APPLY: 0.01,
    FaultKind.SHORT_PAGE: 2,
    FaultKind.SHIFT_BETWEEN_PAGES: 1,
    FaultKind.LYING_TOTAL: 3,
    FaultKind.REFUSED_FIELD: "Person.infix",
}
"""Seconds are real, so they are short; a connection that is held for so long then closes unanswered."""
EVERY_KIND = tuple(FaultKind)


@dataclass(frozen=True)
class Weather:
    """The faults that strike, and the share of requests that one of them strikes."""

    kinds: Collection[FaultKind]
    share: float

    @property
    def name(self) -> str:
        """Return what it is called in a table."""
        kinds = "all kinds mixed" if len(self.kinds) > 1 else next(iter(self.kinds)).value
        return f"{kinds} at {self.share:.0%}"

    def arm(self, faults: Faults, chance: Random) -> None:
        """Given the faults of a sandbox, replace those that are armed by the ones of one more pass."""
        faults.clear()
        share = self.share / len(self.kinds)
        for kind in self.kinds:
            # A field is refused for as long as the fault is armed, whatever its probability.
            if kind is not FaultKind.REFUSED_FIELD or chance.random() < share:
                value = VALUES.get(kind)
                if kind is FaultKind.SERVER_ERROR:
                    value = chance.choice(SERVER_ERRORS)
                seed = chance.randrange(2**32)
                faults.add(Fault(kind=kind, times=None, probability=share, seed=seed, value=value))
