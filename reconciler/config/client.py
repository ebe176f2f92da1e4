"""Knows the tables of one client. A docstring below is what an operator reads in the documents."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from reconciler.config.tables import Endpoint, MailAddress, MergeFieldTag, NamedPath, Secret, Table, Text
from reconciler.config.values import (
    Below,
    Misfit,
    country_code,
    field_template,
    mail_address,
    one_or_many,
    split_uids,
    switch,
)
from reconciler.policy import Limits, Policy
from reconciler.quiet import read_quiet_hours


class Mode(StrEnum):
    """What a client's pass may do."""

    PLAN = "plan"
    APPLY = "apply"


class NotifyOn(StrEnum):
    """After which passes a mail is sent."""

    ALWAYS = "always"
    CHANGES = "changes"
    PROBLEMS = "problems"


class MailedAddresses(StrEnum):
    """How the addresses of contacts stand in a mail."""

    MASKED = "masked"
    PLAIN = "plain"


class OtysSettings(Table):
    """OTYS client settings that are given here instead: these win over what OTYS says."""

    enabled: Annotated[bool, BeforeValidator(switch)] | None = Field(
        default=None, alias="3109", examples=["true"]
    )
    """Whether the integration is on for this client."""
    user_name: str | None = Field(default=None, alias="3110", examples=['"agency"'])
    """The Mailchimp user name; only shown, any will do."""
    api_key: Secret | None = Field(default=None, alias="3111", examples=['{ env = "EXAMPLE_MAILCHIMP_KEY" }'])
    """The Mailchimp API key; `api_key` of the client's `mailchimp` table wins over it."""
    permission_reminder: str | None = Field(
        default=None, alias="3121", examples=['"You get this mail because you are registered with us."']
    )
    """The permission reminder of lists that have none of their own."""
    lists: Annotated[tuple[str, ...], BeforeValidator(split_uids)] | None = Field(
        default=None, alias="GE203", examples=['["12345", "12346"]']
    )
    """The uids of the lists that are synchronised."""

    def overrides(self) -> dict[str, str]:
        """Return the settings that are given, by code, as OTYS would have sent them, secrets revealed."""
        given = {
            "3109": None if self.enabled is None else str(int(self.enabled)),
            "3110": self.user_name,
            "3111": None if self.api_key is None else self.api_key.reveal(),
            "3121": self.permission_reminder,
            "GE203": None if self.lists is None else json.dumps(self.lists),
        }
        return {code: value for code, value in given.items() if value is not None}


class OtysConfig(Table):
    """The client's OTYS Go!, where the lists are. Give this table or `csv`, not both."""

    endpoint: Endpoint = "https://ows.otys.nl/jservice.php"
    """The address of OTYS Web Services."""
    api_key: Secret = Field(examples=['{ env = "EXAMPLE_OTYS_KEY" }'])
    """The OTYS API key; its user must be allowed to see the lists."""
    mapping: NamedPath | None = Field(default=None, examples=['"config/mapping.toml"'])
    """A file that says where this tenant keeps things, instead of the packaged mapping."""
    settings: OtysSettings = OtysSettings()


class CsvConfig(Table):
    """A folder of exported lists that stands in for OTYS. Give this table or `otys`, not both."""

    folder: NamedPath = Field(examples=['"lists"'])
    """The folder with lists.csv and one file for each list."""
    settings: OtysSettings = OtysSettings()


class AudienceDefaults(Table):
    """What Mailchimp wants to know to create an audience. Without this table none can be created."""

    company: Text = Field(examples=['"Example Agency B.V."'])
    """The sender's company, as shown below every mail."""
    address1: Text = Field(examples=['"Keizersgracht 1"'])
    """Street and number of the sender."""
    city: Text = Field(examples=['"Amsterdam"'])
    """The sender's city."""
    country: Annotated[str, AfterValidator(country_code)] = "NL"
    """The sender's country: a code of two capitals."""
    from_name: Text = Field(examples=['"Example Agency"'])
    """The name campaigns come from."""
    from_email: MailAddress = Field(examples=['"news@agency.example"'])
    """The address campaigns come from."""
    subject: Text = Field(examples=['"News"'])
    """The subject of a campaign that has none yet."""
    language: Text = "nl"
    """The language of the audience: a code such as nl or en."""


class MailchimpConfig(Table):
    """The client's Mailchimp account, where the audiences are."""

    api_key: Secret | None = Field(default=None, examples=['{ env = "EXAMPLE_MAILCHIMP_KEY" }'])
    """The Mailchimp API key. Without it the key in OTYS setting 3111 is used."""
    base_url: Endpoint | None = Field(default=None, examples=['"https://us6.api.mailchimp.com/3.0"'])
    """The address of the API. Without it the end of the key names the data centre."""
    skip_merge_validation: bool = False
    """Write a contact although a merge field that its audience requires stays empty."""
    audience_defaults: AudienceDefaults | None = None


class NotifyConfig(Table):
    """Who gets a summary of a pass, and when."""

    to: Annotated[tuple[MailAddress, ...], BeforeValidator(one_or_many)] = Field(
        default=(), examples=['["marketing@agency.example"]']
    )
    """The addresses that get the summary; none: no mail."""
    on: NotifyOn = NotifyOn.CHANGES
    """After which passes: `always`, when there were `changes` (or problems), or only for `problems`."""
    first_sync_mail_above: int = Field(default=200, ge=0)
    """A first sync of a list with more recipients than this is told by mail when it is done."""
    addresses: MailedAddresses = MailedAddresses.MASKED
    """How contacts are named in the summary: `masked`, as in j…@agency.example, or `plain`. A mail passes
    through many hands, so choose `plain` only where that is allowed."""


class HooksConfig(Table):
    """Who may call the daemon over HTTP to bring a pass of this client forward."""

    otys: Secret | None = Field(default=None, examples=['{ env = "EXAMPLE_OTYS_HOOK" }'])
    """The end of the address that OTYS calls, /hooks/otys/SECRET, which tells whose hook it is: letters and
    digits, as `openssl rand -hex 24` makes them. Without one OTYS has no hook."""
    mailchimp: Secret | None = Field(default=None, examples=['{ env = "EXAMPLE_MAILCHIMP_HOOK" }'])
    """The end of the address that Mailchimp calls, /hooks/mailchimp/SECRET. Without one it has no hook."""
    mailchimp_signing: Secret | None = Field(default=None, examples=['{ env = "EXAMPLE_MAILCHIMP_SIGNING" }'])
    """The secret that Mailchimp signs its calls with. With it here, a call without a good signature is
    refused."""


_HIGHEST_LIMIT = 1_000_000


def _sensible_limits(limits: Limits) -> Limits:
    found: list[tuple[Below, str]] = [
        ((name,), f"must be from 0 to {_HIGHEST_LIMIT}")
        for name in Limits.__dataclass_fields__
        if isinstance(number := getattr(limits, name), int | float) and not 0 <= number <= _HIGHEST_LIMIT
    ]
    if limits.removals_percent > 100:  # noqa: PLR2004 - a share of a whole
        found.append((("removals_percent",), "must be at most 100"))
    try:
        read_quiet_hours(limits.quiet_hours)
    except ValueError as refused:
        found.append((("quiet_hours",), str(refused)))
    if not limits.grace_snapshots:
        found.append((("grace_snapshots",), "must be at least 1"))
    for index, canary in enumerate(limits.canaries):
        try:
            mail_address(canary)
        except ValueError as refused:
            found.append((("canaries", index), str(refused)))
    if found:
        raise Misfit(found)
    return limits


class ClientConfig(Table):
    """One agency: a pair of an OTYS Go! and a Mailchimp account. NAME is yours to choose."""

    mode: Mode = Field(examples=['"plan"'])
    """"plan" shows what would change and writes nothing to Mailchimp; "apply" makes the changes."""
    otys: OtysConfig | None = None
    csv: CsvConfig | None = Field(default=None, validate_default=True)
    mailchimp: MailchimpConfig = Field(default=MailchimpConfig(), validate_default=True)
    fields: Mapping[MergeFieldTag, Annotated[str, AfterValidator(field_template)]] = {
        "FNAME": "{first_name}",
        "LNAME": "{infix} {last_name}",
    }
    """Merge fields by tag, each with a template of {first_name}, {infix}, {last_name}, {name},
    {language}, {email} and {kind}. A table given here replaces the default as a whole."""
    links: Mapping[Text, Text] = Field(default={}, examples=['"12345" = "a1b2c3d4e5"'])
    """Pairs of a list's uid and an audience's id, for lists and audiences whose names do not tell."""
    policy: Policy = Policy()
    limits: Annotated[Limits, AfterValidator(_sensible_limits)] = Limits()
    notify: NotifyConfig = NotifyConfig()
    hooks: HooksConfig = HooksConfig()

    @field_validator("csv")
    @classmethod
    def _one_source(cls, csv: CsvConfig | None, info: ValidationInfo) -> CsvConfig | None:
        if "otys" in info.data and (info.data["otys"] is None) == (csv is None):
            there = "neither is there" if csv is None else "both are there"
            raise Misfit([((), f"needs exactly one of the tables `otys` and `csv`: {there}")], up=1)
        return csv

    @field_validator("mailchimp")
    @classmethod
    def _key_without_otys(cls, mailchimp: MailchimpConfig, info: ValidationInfo) -> MailchimpConfig:
        csv = info.data.get("csv")
        if csv is not None and mailchimp.api_key is None and csv.settings.api_key is None:
            raise Misfit(
                [(("api_key",), "is missing: without OTYS there is no setting 3111 to read it from")]
            )
        return mailchimp

    @field_validator("links")
    @classmethod
    def _one_list_an_audience(cls, links: Mapping[str, str]) -> Mapping[str, str]:
        audiences = list(links.values())
        shared = [uid for uid, audience in links.items() if audiences.count(audience) > 1]
        if shared:
            raise Misfit([((uid,), "names an audience that another list has too") for uid in shared])
        return links
