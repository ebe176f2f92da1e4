"""Keeps time: a tick for each client as the schedule says, and the daemon's own small jobs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.config import Config
from reconciler.daemon.clock import missed, trigger_for

_CLIENT = "client "


class Timetable:
    """Every moment at which something starts by itself. Jobs must be quick, or have a thread to spare."""

    def __init__(
        self, tick: Callable[[str], None], last_good: Callable[[str], datetime | None], config: Config
    ) -> None:
        """Given what a client's tick does and when its last good pass ended, plan the configuration."""
        self._tick = tick
        self._last_good = last_good
        self._config: Config | None = None
        # A tick that comes too late is still a tick, and many of them are one.
        late = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        self._scheduler = BackgroundScheduler(timezone=UTC, job_defaults=late)
        self.follow(config)

    def follow(self, config: Config) -> None:
        """Given a configuration, tick its clients as it says; a client that stays keeps its times."""
        before, self._config = self._config, config
        names = {_CLIENT + name: name for name in config.clients}
        planned = {job.id for job in self._scheduler.get_jobs() if job.id.startswith(_CLIENT)}
        for job_id in planned - names.keys():
            self._scheduler.remove_job(job_id)
        daemon = config.daemon
        for job_id in planned & names.keys():
            if before and (before.daemon.schedule, before.daemon.timezone) != (
                daemon.schedule,
                daemon.timezone,
            ):
                self._scheduler.reschedule_job(job_id, trigger=trigger_for(daemon.schedule, daemon.timezone))
        now = datetime.now(UTC)
        for job_id in sorted(names.keys() - planned):
            name = names[job_id]
            at_once = missed(daemon.schedule, daemon.timezone, self._last_good(name), now)
            self._scheduler.add_job(
                self._tick,
                trigger_for(daemon.schedule, daemon.timezone),
                args=[name],
                id=job_id,
                **({"next_run_time": now} if at_once else {}),
            )

    def every(self, pause: timedelta, name: str, job: Callable[[], object]) -> None:
        """Given a job, run it every so often, for the first time at once."""
        trigger = IntervalTrigger(seconds=pause.total_seconds(), timezone=UTC)
        self._scheduler.add_job(job, trigger, id=name, next_run_time=datetime.now(UTC))

    def start(self) -> None:
        """Begin to tick."""
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more; a job that runs is not waited for."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
