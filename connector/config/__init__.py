"""Settings: the only reader of TOML, environment and credential files.

`load` gives a frozen `Settings` or raises with every problem at once. Precedence: environment, credential file,
`*_file` setting, TOML, default; a secret with two sources is an error.
"""

from connector.config.instance import ensure_instance_secret, instance_secrets
from connector.config.loader import DEFAULT_PATH, PATH_VARIABLE, load, secrets_of, show
from connector.config.mail import MailboxSettings, SmtpSettings
from connector.config.oauth import OAuthSettings
from connector.config.operations import HealthSettings, MetricsSettings
from connector.config.starter import Answers, render
from connector.config.tree import (
    LogSettings,
    MirrorSettings,
    ScheduleSettings,
    Settings,
    ShopSettings,
)

__all__ = [
    "DEFAULT_PATH",
    "PATH_VARIABLE",
    "load",
    "show",
    "secrets_of",
    "ensure_instance_secret",
    "instance_secrets",
    "Settings",
    "ShopSettings",
    "MailboxSettings",
    "SmtpSettings",
    "OAuthSettings",
    "Answers",
    "render",
    "MirrorSettings",
    "LogSettings",
    "ScheduleSettings",
    "HealthSettings",
    "MetricsSettings",
]
