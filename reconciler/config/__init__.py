"""Knows what the operator chose: the configuration file, the environment, and where secrets are kept.

model.py and client.py hold the types, one class a table (tables.py: what they share), values.py the
small grammars, secrets.py where a secret is kept. keys.py makes the tree of keys from the types, and
everything else follows from that tree: environment.py (overrides), problems.py (what is wrong, in words),
render.py (`config show`), example.py (`config init`) and document.py (docs/configuration.md). files.py
reads the files, and load.py puts it together.
"""

from reconciler.config.client import (
    AudienceDefaults,
    ClientConfig,
    CsvConfig,
    HooksConfig,
    MailchimpConfig,
    MailedAddresses,
    Mode,
    NotifyConfig,
    NotifyOn,
    OtysConfig,
    OtysSettings,
)
from reconciler.config.load import (
    DEFAULT_PATH,
    Reading,
    load_config,
    load_reading,
    read_config,
    warnings,
)
from reconciler.config.model import Config, DaemonConfig, HttpConfig, Language, MailConfig, StateConfig
from reconciler.config.secrets import SecretRef, UrlRef
from reconciler.config.values import PLACEHOLDERS, Listen, Schedule

__all__ = [
    "DEFAULT_PATH",
    "PLACEHOLDERS",
    "AudienceDefaults",
    "ClientConfig",
    "Config",
    "CsvConfig",
    "DaemonConfig",
    "HooksConfig",
    "HttpConfig",
    "Language",
    "Listen",
    "MailConfig",
    "MailchimpConfig",
    "MailedAddresses",
    "Mode",
    "NotifyConfig",
    "NotifyOn",
    "OtysConfig",
    "OtysSettings",
    "Reading",
    "Schedule",
    "SecretRef",
    "StateConfig",
    "UrlRef",
    "load_config",
    "load_reading",
    "read_config",
    "warnings",
]
