"""Examines where a client's lists are read: login, rights, settings, the mapping, and setting GE203."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.api.ows import OwsClient
from reconciler.config import ClientConfig, CsvConfig, OtysConfig
from reconciler.doctor.clock import ClockWatch
from reconciler.doctor.findings import Finding, failure, ok, problem, skipped, warning
from reconciler.errors import ConfigurationError, ReconcilerError, RemoteError
from reconciler.model import Catalogue, Integration
from reconciler.sources.csv import CsvSource
from reconciler.sources.mapping import OtysMapping, load_mapping
from reconciler.sources.otys import OtysSource
from reconciler.sources.otys_settings import Setting, SettingsError, SettingsReport, integration_of
from reconciler.sources.probe import ProbedService, ProbeReport, probe
from reconciler.wiring import open_ows
from reconciler.wording import counted, some_of

UNVERIFIED = "UNVERIFIED"
MOST_NAMED = 5
OFF_ADVICE = "Switch it on in OTYS Go! (client setting 3109), or override it in the configuration."


@dataclass(slots=True)
class Learned:
    """What the examination of the lists found out, for the examinations that build on it."""

    findings: list[Finding] = field(default_factory=list)
    integration: Integration | None = None
    """None when it is not known."""
    catalogue: Catalogue | None = None


def examine_lists(chosen: ClientConfig, clock: ClockWatch) -> Learned:
    """Given a client, examine where its lists are read."""
    learned = Learned()
    if chosen.csv is not None:
        _examine_folder(chosen.csv, learned)
    elif chosen.otys is not None:
        try:
            mapping = load_mapping(chosen.otys.mapping)
        except ConfigurationError as error:
            learned.findings.append(failure("configuration", error))
        else:
            _examine_otys(chosen.otys, mapping, clock, learned)
    return learned


def _examine_otys(otys: OtysConfig, mapping: OtysMapping, clock: ClockWatch, learned: Learned) -> None:
    findings = learned.findings
    try:
        with open_ows(otys, clock) as ows:
            findings.append(
                ok("otys_login", f"logged in at {ows.check().client_name or 'a client without a name'}")
            )
            findings.extend(_rights(probe(ows, mapping, otys.settings.overrides()), mapping))
            _examine_tenant(ows, otys, mapping, learned)
    except ReconcilerError as error:
        findings.append(failure("otys_login", error))
        findings.append(skipped("otys_settings", "OTYS could not be asked"))


def _examine_tenant(ows: OwsClient, otys: OtysConfig, mapping: OtysMapping, learned: Learned) -> None:
    source = OtysSource(ows, mapping, otys.settings.overrides())
    _examine_settings(source, learned)
    _examine_catalogue(source, learned)


def _examine_folder(csv: CsvConfig, learned: Learned) -> None:
    try:
        source = CsvSource(csv.folder, csv.settings.overrides())
        _examine_settings(source, learned)
        _examine_catalogue(source, learned)
        for one in learned.catalogue.lists if learned.catalogue else ():
            source.recipients(one)
    except ReconcilerError as error:
        learned.findings.append(failure("csv_lists", error))


def _examine_settings(source: OtysSource | CsvSource, learned: Learned) -> None:
    try:
        report = source.settings_report()
        learned.integration = integration_of(report)
    except SettingsError as error:
        learned.findings.append(problem("otys_settings", str(error), error.advice))
    except ReconcilerError as error:
        learned.findings.append(failure("otys_settings", error))
    else:
        learned.findings.extend(_activity(report))


def _activity(report: SettingsReport) -> Iterator[Finding]:
    for setting in report.inactive:
        yield _inactive(setting)
    if not report.inactive:
        user = report["user_name"].shown
        yield ok("otys_settings", f"3109, 3110 and 3121 are active; the Mailchimp user name is {user}")


def _inactive(setting: Setting) -> Finding:
    if setting.name == "integration":
        return problem(
            "otys_settings", f"setting {setting.number} is not active: the integration is off", OFF_ADVICE
        )
    what = {
        "user_name": "the Mailchimp user name is only shown, and any will do",
        "permission_reminder": "no audience can be made for a list without a reminder of its own",
    }[setting.name]
    return warning(
        "otys_settings", f"setting {setting.number} is not active: {what}", "Fill it in in OTYS Go!."
    )


def _rights(report: ProbeReport, mapping: OtysMapping) -> Iterator[Finding]:
    lists, recipients, *people = report.services
    yield _service("otys_lists", lists)
    if lists.total:
        yield _service("otys_recipients", recipients)
    else:
        yield skipped("otys_recipients", "no list came to look into")
    for person in people:
        if person.error:
            yield warning(
                "otys_people", f"{person.service}: {person.error}", "People of this kind may have no address."
            )
    yield from _mapping(report, mapping)


def _service(check: str, service: ProbedService) -> Finding:
    if not service.error:
        return ok(check, f"{service.service} answers")
    if service.total is not None:  # it was read, and there was nothing in it
        return warning(check, f"{service.service}: {service.error}")
    return problem(
        check,
        f"{service.service}: {service.error}",
        "Give the key's user the right to it in OTYS, or correct the mapping (docs/mapping.md).",
    )


def _mapping(report: ProbeReport, mapping: OtysMapping) -> Iterator[Finding]:
    advice = "Run `reconciler probe` and write what differs into a mapping file (docs/mapping.md)."
    if mapping.status == UNVERIFIED:
        yield warning(
            "mapping", "the mapping is a working guess (UNVERIFIED) until a tenant confirmed it", advice
        )
    for service in report.services:
        refused = [f"{name} ({path})" for name, path in service.refused.items()]
        if refused:
            yield warning("mapping", f"{service.service} refuses {some_of(refused, MOST_NAMED)}", advice)
        missing = [f"{name} ({path})" for name, path in service.missing.items()]
        if missing and not service.error:
            yield warning("mapping", f"{service.service} never sent {some_of(missing, MOST_NAMED)}", advice)
    if report.unknown_kinds:
        kinds = some_of(list(report.unknown_kinds), MOST_NAMED)
        yield warning("mapping", f"kinds of recipients that the mapping does not know: {kinds}", advice)


def _examine_catalogue(source: OtysSource | CsvSource, learned: Learned) -> None:
    try:
        catalogue = source.catalogue()
    except RemoteError as error:
        learned.findings.append(failure("otys_lists", error))
        return
    learned.catalogue = catalogue
    if not catalogue.tally.complete:
        learned.findings.append(
            warning("otys_lists", f"the lists were not read completely: {catalogue.tally.problem}")
        )
    if learned.integration is None or not learned.integration.enabled:
        learned.findings.append(skipped("selected_lists", "it is not known which lists are selected"))
        return
    learned.findings.append(_selected(learned.integration, catalogue))


def _selected(integration: Integration, catalogue: Catalogue) -> Finding:
    known = {one.uid for one in catalogue.lists}
    unknown = [uid for uid in integration.flagged if uid not in known]
    if not integration.flagged:
        return warning(
            "selected_lists",
            "setting GE203 names no list, so nothing is synchronised",
            "Select lists for Mailchimp in OTYS Go!.",
        )
    if unknown:
        told = some_of(unknown, MOST_NAMED)
        return warning(
            "selected_lists",
            f"setting GE203 names {counted(len(unknown), 'list')} that OTYS does not have: {told}",
            "They were probably deleted: take them out of GE203, or out of the configuration.",
        )
    return ok(
        "selected_lists", f"{counted(len(integration.flagged), 'list')} of {len(known):,} selected (GE203)"
    )
