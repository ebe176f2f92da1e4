"""How many stories the machine tells under which profile of Hypothesis."""

import os

from hypothesis import HealthCheck, settings

STORIES = {"dev": 8, "ci": 15, "soak": int(os.environ.get("SOAK_STORIES", "100000"))}
STEPS = {"dev": 20, "ci": 30, "soak": 50}


def stories(profile: str, *, share: float = 1.0) -> settings:
    """Given a profile's name and a share of its stories, return the settings of a machine."""
    return settings(
        max_examples=max(2, int(STORIES[profile] * share)),
        stateful_step_count=STEPS[profile],
        deadline=None,
        derandomize=profile != "soak",
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
