"""From environment variables to one frozen value; every mistake in them reported at once."""
# ruff: noqa: RUF009 - what looks like a function call for a default makes a field() that carries its variable

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import unquote, urlsplit

from application.policies import Listen, WhenInDoubt
from domain.channels import ChannelId
from entrypoints.config import parsers as values
from entrypoints.config.parsers import Secret
from entrypoints.config.variables import Variable

T = TypeVar("T")

_PREFIX: Final = "FLYTE_SLACK_"
_PROXIES: Final = ("https_proxy", "http_proxy", "all_proxy")
_SET_BY_KUBERNETES: Final = re.compile(r"FLYTE_SLACK_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_\w+)?)")
"""What every container of a namespace finds in its environment when a service there is called `flyte-slack`."""
_DAY_SECONDS: Final = 86400
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SettingIssue:
    """What is wrong with one variable, and what would be right."""

    variable: str
    message: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.message}"


class SettingsError(Exception):
    """The environment does not say how to run. `str()` of it is a line for each mistake; no secret is in it."""

    def __init__(self, mistakes: tuple[SettingIssue, ...]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.issues = mistakes


class ReceiveMode(Enum):
    """How the pack hears from Slack."""

    SOCKET_MODE = "socket mode"
    HTTP = "http"
    RTM = "rtm"


def _required(name: str, parse: Callable[[str], T], description: str, *, is_secret: bool = False) -> T:
    variable = Variable(name, parse, is_required=True, description=description, is_secret=is_secret)
    return cast("T", field(metadata={"variable": variable}))


def _with_default(name: str, parse: Callable[[str], T], default: str) -> T:
    return cast("T", field(metadata={"variable": Variable(name, parse, default)}))


def _optional(name: str, parse: Callable[[str], T]) -> T | None:
    return cast("T | None", field(metadata={"variable": Variable(name, parse)}))


def _secret(name: str, parse: Callable[[str], Secret] = Secret) -> Secret | None:
    return cast("Secret | None", field(metadata={"variable": Variable(name, parse, is_secret=True)}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to run the pack. Each field beside the variable that sets it, what that may be, and its default."""

    flyte_api: str = _required(
        "FLYTE_API",
        values.http_url("http://localhost:8080"),
        "the base URL of the Flyte API, like http://localhost:8080",
    )
    flyte_api_timeout_seconds: float = _with_default("FLYTE_API_TIMEOUT", values.number(0.1, 600), "10")
    flyte_jwt: Secret | None = _secret("FLYTE_JWT")
    flyte_labels: Mapping[str, str] = _with_default("FLYTE_LABELS", values.labels, "")
    pack_name: str = _with_default("PACK_NAME", values.plain_text, "Slack")

    slack_token: Secret = _required("FLYTE_SLACK_TOKEN", Secret, "the bot token", is_secret=True)
    slack_app_token: Secret | None = _secret("FLYTE_SLACK_APP_TOKEN")
    slack_signing_secret: Secret | None = _secret("FLYTE_SLACK_SIGNING_SECRET")
    slack_api_url: str = _with_default(
        "FLYTE_SLACK_API_URL", values.http_url("https://slack.com/api/"), "https://slack.com/api/"
    )
    default_join_channels: tuple[ChannelId, ...] = _with_default(
        "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL", values.channel_ids, ""
    )

    backup_dir: Path = _with_default("FLYTE_SLACK_BACKUP_DIR", values.directory, "$TMPDIR/flyte-slack")
    storage: Secret | None = _secret("FLYTE_SLACK_STORAGE", values.storage_url)

    listen: Listen = _with_default("FLYTE_SLACK_LISTEN", values.choice(Listen), "joined")
    receives_bots: bool = _with_default("FLYTE_SLACK_RECEIVE_BOTS", values.flag, "false")
    messages_per_second: float = _with_default("FLYTE_SLACK_MESSAGES_PER_SECOND", values.number(0.001, _MILLION), "1")
    message_burst: int = _with_default("FLYTE_SLACK_MESSAGE_BURST", values.whole_number(1, _MILLION), "10")
    give_up_seconds: float = _with_default("FLYTE_SLACK_GIVE_UP", values.number(0, 7 * _DAY_SECONDS), "600")
    when_in_doubt: WhenInDoubt = _with_default("FLYTE_SLACK_IN_DOUBT", values.choice(WhenInDoubt), "fail")
    catch_up_seconds: float = _with_default("FLYTE_SLACK_CATCH_UP", values.number(0, 2 * _DAY_SECONDS), "3600")
    """No further back than messages are recognised for certain (48 h): else what was heard would be heard again."""
    journal_limit: int = _with_default("FLYTE_SLACK_JOURNAL_LIMIT", values.whole_number(1, _MILLION), "10000")
    record: Path | None = _optional("FLYTE_SLACK_RECORD", values.file)

    http_host: str = _with_default("FLYTE_SLACK_HTTP_HOST", values.host, "0.0.0.0")
    http_port: int = _with_default("FLYTE_SLACK_HTTP_PORT", values.port, "8090")
    log_level: str = _with_default("LOGLEVEL", values.log_level, "info")

    proxy_passwords: tuple[Secret, ...] = ()
    """Of the proxies that the environment names, so that they stay out of the log."""
    warnings: tuple[SettingIssue, ...] = ()
    """What is odd and does not keep the pack from running; for the log."""

    @property
    def storage_url(self) -> Secret:
        """Where everything is kept: what was asked for, else the backup folder."""
        return self.storage or Secret(self.backup_dir.as_uri())

    @property
    def receive_mode(self) -> ReceiveMode:
        """How the pack hears from Slack, which the secrets at hand decide."""
        if self.slack_app_token:
            return ReceiveMode.SOCKET_MODE
        return ReceiveMode.HTTP if self.slack_signing_secret else ReceiveMode.RTM

    @property
    def secret_texts(self) -> tuple[str, ...]:
        """What must not be in any log: tokens, and the passwords within URLs."""
        secrets = (self.flyte_jwt, self.slack_token, self.slack_app_token, self.slack_signing_secret)
        revealed = [secret.reveal() for secret in (*secrets, *self.proxy_passwords) if secret]
        return (*revealed, *_passwords(self.storage_url.reveal()))


def variables() -> tuple[Variable, ...]:
    """Every variable that sets something, in the order of the documentation."""
    return tuple(_variables_by_field().values())


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings that these environment variables ask for. SettingsError with every mistake found in them.

    White space around a value does not count, and a variable without a value is an unset one.
    """
    given = {name: text for name, value in environ.items() if (text := value.strip())}
    found: dict[str, Any] = {}
    mistakes: list[SettingIssue] = []
    for field_name, variable in _variables_by_field().items():
        try:
            found[field_name] = variable.read(given)
        except ValueError as error:
            mistakes.append(SettingIssue(variable.name, str(error)))
    if mistakes:
        raise SettingsError(tuple(mistakes))
    warnings = (*_unknown_variables(given), *_ignored_variables(given, found["storage"]))
    return Settings(**found, proxy_passwords=_proxy_passwords(given), warnings=warnings)


def storage_url(environ: Mapping[str, str]) -> Secret:
    """Where everything is kept, from the two variables that say so; no other one needs to be right. SettingsError."""
    given = {name: text for name, value in environ.items() if (text := value.strip())}
    found: dict[str, Any] = {}
    mistakes: list[SettingIssue] = []
    for field_name in ("backup_dir", "storage"):
        variable = _variables_by_field()[field_name]
        try:
            found[field_name] = variable.read(given)
        except ValueError as error:
            mistakes.append(SettingIssue(variable.name, str(error)))
    if mistakes:
        raise SettingsError(tuple(mistakes))
    return found["storage"] or Secret(found["backup_dir"].as_uri())


def _variables_by_field() -> dict[str, Variable]:
    return {setting.name: setting.metadata["variable"] for setting in fields(Settings) if setting.metadata}


def _proxy_passwords(given: Mapping[str, str]) -> tuple[Secret, ...]:
    urls = (text for name, text in given.items() if name.lower() in _PROXIES)
    return tuple(Secret(password) for url in urls for password in _passwords(url))


def _passwords(url: str) -> list[str]:
    """The password within a URL: as it stands there, and as it is meant."""
    try:
        password = urlsplit(url if "://" in url else f"//{url}").password
    except ValueError:
        return []
    return sorted({password, unquote(password)}) if password else []


def _unknown_variables(given: Mapping[str, str]) -> list[SettingIssue]:
    known = [name for variable in variables() for name in variable.names]
    unknown = [name for name in sorted(given) if name.startswith(_PREFIX) and name not in known]
    return [
        SettingIssue(name, _did_you_mean(name, known)) for name in unknown if not _SET_BY_KUBERNETES.fullmatch(name)
    ]


def _did_you_mean(name: str, known: list[str]) -> str:
    similar = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    return "there is no such variable" + (f"; did you mean {similar[0]}?" if similar else "")


def _ignored_variables(given: Mapping[str, str], storage: Secret | None) -> list[SettingIssue]:
    if storage and "FLYTE_SLACK_BACKUP_DIR" in given:
        return [SettingIssue("FLYTE_SLACK_BACKUP_DIR", "it is not used, since FLYTE_SLACK_STORAGE is set")]
    return []
