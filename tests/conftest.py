"""What every test runs under: a watch over the log, and the profile that HYPOTHESIS_PROFILE names.

`dev` is quick, `ci` looks further.
"""

import os

from hypothesis import settings

pytest_plugins = ["tests.log_hygiene"]

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
