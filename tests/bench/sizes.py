"""How big what is measured is: `BENCH_SCALE=1` is the size that the targets are about."""

from dataclasses import dataclass

from tests.bench.town import Town


@dataclass(frozen=True)
class Sizes:
    """What is measured, as a share of the full size; a first sync of 15,000 is always whole."""

    scale: float

    @property
    def many_lists(self) -> list[Town]:
        return [Town(name="many-lists", lists=self._of(600), recipients=500)]

    @property
    def new_list(self) -> Town:
        return Town(name="new-list", lists=1, recipients=15_000, empty=True)

    @property
    def big_list(self) -> Town:
        return Town(name="big-list", lists=1, recipients=self._of(1_000_000), churn=0.01)

    @property
    def many_clients(self) -> list[Town]:
        return [Town(name=f"client-{number}", lists=20, recipients=50) for number in range(self._of(200))]

    @property
    def slow(self) -> Town:
        return Town(name="slow", lists=self._of(600, least=60), recipients=500)

    @property
    def in_memory(self) -> int:
        return self._of(100_000)

    def growing_lists(self) -> list[Town]:
        return [Town(name="lists", lists=self._of(count), recipients=100) for count in (150, 300, 600)]

    def growing_contacts(self) -> list[Town]:
        sizes = (50_000, 100_000, 200_000)
        return [Town(name="contacts", lists=1, recipients=self._of(count)) for count in sizes]

    def growing_churn(self) -> list[Town]:
        return [
            Town(name="churn", lists=1, recipients=self._of(100_000), churn=share)
            for share in (0.001, 0.01, 0.1)
        ]

    def growing_clients(self) -> list[list[Town]]:
        return [
            [Town(name=f"client-{number}", lists=5, recipients=50) for number in range(self._of(count))]
            for count in (50, 100, 200)
        ]

    def _of(self, whole: int, least: int = 1) -> int:
        return max(least, round(whole * self.scale))
