"""OTYS and Mailchimp as real HTTP servers on loopback, with data, time and faults that can be set."""

from reconciler.sandbox.facade import Sandbox
from reconciler.sandbox.run import run_sandbox
from reconciler.sandbox.world import World

__all__ = ["Sandbox", "World", "run_sandbox"]
