"""The client settings 3109, 3110, 3111, 3121 and GE203 as tenants spell them, over real HTTP."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from reconciler.api.http import HttpClient
from reconciler.api.ows import OwsClient
from reconciler.errors import ConfigurationError, PermissionDenied, RemoteError
from reconciler.sandbox import Sandbox, World
from reconciler.sandbox.faults import Fault, FaultKind
from reconciler.sources.mapping import load_mapping
from reconciler.sources.otys import OtysSource
from reconciler.sources.otys_settings import SettingOrigin, SettingsError
from tests.scripted import Pauses

MAILCHIMP_KEY = "0123456789abcdef0123456789abcdef-us14"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(world=World.empty()) as sandbox:
        yield sandbox


@pytest.fixture
def ows(sandbox: Sandbox) -> Iterator[OwsClient]:
    http = HttpClient("OTYS", pause=Pauses())
    with OwsClient(http, sandbox.otys_url, sandbox.world.otys_api_key, pause=Pauses()) as client:
        yield client


@pytest.fixture
def source(ows: OwsClient) -> OtysSource:
    return OtysSource(ows, load_mapping(None))


def settings_requests(sandbox: Sandbox) -> list[str]:
    return [
        request.operation.rpartition(".")[2]
        for request in sandbox.log.requests("otys")
        if request.operation not in ("loginByUid", "check")
    ]


def test_all_five_settings_are_read_in_one_request(source: OtysSource, sandbox: Sandbox) -> None:
    for code, value in {
        "SE3109": "1",
        "SE3110": "werkpunt",
        "SE3111": MAILCHIMP_KEY,
        "SE3121": "Je staat bij ons ingeschreven.",
        "GE203": "12,34",
    }.items():
        sandbox.otys.set_setting(code, value)
    integration = source.integration()
    assert (integration.enabled, integration.user_name, integration.api_key) == (
        True,
        "werkpunt",
        MAILCHIMP_KEY,
    )
    assert integration.permission_reminder == "Je staat bij ons ingeschreven."
    assert integration.flagged == ("12", "34")
    assert settings_requests(sandbox) == ["getValue"]


@pytest.mark.parametrize(
    ("value", "enabled"),
    [("1", True), ("true", True), ("On", True), ("ja", True), ("0", False), ("", False), ("off", False)],
)
def test_on_and_off_are_understood_however_they_are_spelled(
    source: OtysSource, sandbox: Sandbox, value: str, *, enabled: bool
) -> None:
    sandbox.otys.set_setting("SE3109", value)
    assert source.integration().enabled is enabled


def test_a_switch_that_is_neither_on_nor_off_is_an_error(source: OtysSource, sandbox: Sandbox) -> None:
    sandbox.otys.set_setting("SE3109", "misschien")
    with pytest.raises(SettingsError, match="setting 3109: it is neither on nor off"):
        source.integration()


@pytest.mark.parametrize(
    "value",
    [
        "12,34",
        "12;34",
        "12 34",
        "12\n34\n",
        " 12 , 34,, 12",
        "[12, 34]",
        '["12", "34"]',
        '[{"uid": "12", "name": "Koks"}, {"uid": 34}]',
        '{"0": "12", "1": "34"}',
    ],
)
def test_the_chosen_lists_are_read_from_every_spelling(
    source: OtysSource, sandbox: Sandbox, value: str
) -> None:
    sandbox.otys.set_setting("GE203", value)
    assert source.integration().flagged == ("12", "34")


@pytest.mark.parametrize("value", ["", "  ", "[]", "{}"])
def test_no_list_may_be_chosen(source: OtysSource, sandbox: Sandbox, value: str) -> None:
    sandbox.otys.set_setting("GE203", value)
    assert source.integration().flagged == ()


def test_a_broken_choice_of_lists_is_an_error_and_not_an_empty_one(
    source: OtysSource, sandbox: Sandbox
) -> None:
    sandbox.otys.set_setting("GE203", "[12, 3")
    with pytest.raises(SettingsError, match="setting GE203: this is no list of uids"):
        source.integration()


@pytest.mark.parametrize("missing", ["absent", "null", "error"])
def test_a_setting_that_is_not_there_hinders_no_other(
    source: OtysSource, sandbox: Sandbox, missing: str
) -> None:
    sandbox.world.otys.switches.missing_setting = missing
    sandbox.otys.set_setting("SE3110", None)
    sandbox.otys.set_setting("SE3109", "1")
    sandbox.otys.set_setting("GE203", "12")
    integration = source.integration()
    assert (integration.user_name, integration.flagged) == ("", ("12",))
    assert settings_requests(sandbox) == ["getValue", "execute"]
    assert [setting.number for setting in source.settings_report().inactive] == ["3110"]


@pytest.mark.parametrize("missing", ["absent", "null", "error"])
def test_without_a_choice_of_lists_nobody_concludes_that_none_is_chosen(
    source: OtysSource, sandbox: Sandbox, missing: str
) -> None:
    sandbox.world.otys.switches.missing_setting = missing
    sandbox.otys.set_setting("GE203", None)
    with pytest.raises(SettingsError, match="setting GE203: OTYS does not have this setting"):
        source.integration()


def test_without_the_switch_the_integration_is_off_and_a_warning_says_why(
    source: OtysSource, sandbox: Sandbox
) -> None:
    sandbox.otys.set_setting("SE3109", None)
    with capture_logs() as logs:
        assert not source.integration().enabled
    assert [line["setting"] for line in logs if line["log_level"] == "warning"] == ["3109"]


def test_no_right_to_the_settings_is_an_error_and_not_off(source: OtysSource, sandbox: Sandbox) -> None:
    sandbox.otys.deny_service("CsmService")
    with pytest.raises(PermissionDenied):
        source.integration()


def test_an_error_of_another_kind_is_not_taken_for_a_missing_setting(
    source: OtysSource, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.IN_BAND_ERROR, pattern="getValue|execute", times=None))
    with pytest.raises(RemoteError, match="Internal error"):
        source.integration()


def test_an_api_key_in_3121_is_recognised_by_its_form(source: OtysSource, sandbox: Sandbox) -> None:
    sandbox.otys.set_setting("SE3121", f" {MAILCHIMP_KEY} ")
    with pytest.raises(SettingsError) as caught:
        source.integration()
    assert str(caught.value) == (
        "setting 3121: this holds a Mailchimp API key instead of a permission reminder; "
        "put the key into 3111 and the text of the reminder here"
    )
    assert caught.value.problems[0].path == "3121"


@pytest.mark.parametrize("code", ["3111", "SE3111", "se3111"])
def test_an_override_beats_the_setting_and_is_not_asked_for(
    ows: OwsClient, sandbox: Sandbox, code: str
) -> None:
    sandbox.otys.set_setting("SE3111", "f" * 32 + "-us1")
    source = OtysSource(ows, load_mapping(None), {code: MAILCHIMP_KEY})
    assert source.integration().api_key == MAILCHIMP_KEY
    asked = b"".join(request.body for request in sandbox.log.requests("otys"))
    assert b"SE3111" not in asked
    assert b"SE3110" in asked


def test_with_every_setting_overridden_no_setting_is_asked_for(ows: OwsClient, sandbox: Sandbox) -> None:
    overrides = {"3109": "on", "3110": "x", "3111": MAILCHIMP_KEY, "3121": "Hoi", "GE203": "7"}
    source = OtysSource(ows, load_mapping(None), overrides)
    assert source.integration().flagged == ("7",)
    assert settings_requests(sandbox) == []


def test_an_override_of_something_unknown_is_a_problem(ows: OwsClient) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OtysSource(ows, load_mapping(None), {"3112": "x", "GE302": "y", "3111": "z"})
    message = "the integration has no such setting; it has 3109, 3110, 3111, 3121, GE203"
    assert [(problem.path, problem.message) for problem in caught.value.problems] == [
        ("settings.3112", message),
        ("settings.GE302", message),
    ]


def test_doctor_can_tell_what_is_not_active_and_never_sees_a_key(
    source: OtysSource, sandbox: Sandbox
) -> None:
    sandbox.otys.set_setting("SE3109", "0")
    sandbox.otys.set_setting("SE3111", MAILCHIMP_KEY)
    sandbox.otys.set_setting("SE3121", None)
    report = source.settings_report()
    assert [setting.number for setting in report.inactive] == ["3109", "3121"]
    assert report["permission_reminder"].origin is SettingOrigin.MISSING
    assert report["api_key"].shown == "********"
    assert MAILCHIMP_KEY not in repr(report)
