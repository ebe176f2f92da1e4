"""Examines everything a pass needs before one is run: findings as values, each with what to do about it."""

from reconciler.doctor.examination import examine
from reconciler.doctor.findings import Finding, Verdict

__all__ = ["Finding", "Verdict", "examine"]
