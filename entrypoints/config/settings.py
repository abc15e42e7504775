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

_OURS: Final = "FLYTE_SLACK_"
_PROXIES: Final = ("https_proxy", "http_proxy", "all_proxy")
_SET_BY_KUBERNETES: Final = re.compile(r"FLYTE_SLACK_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_\w+)?)")
"""What every container of a namespace finds in its environment when a service there is called `flyte-slack`."""
_DAY: Final = 86400
_MANY: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with one variable, and what would be right."""

    variable: str
    message: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.message}"


class SettingsError(Exception):
    """The environment does not say how to run. `str()` of it is a line for each mistake; no secret is in it."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes


class Receiving(Enum):
    """How the pack hears from Slack."""

    SOCKET_MODE = "socket mode"
    HTTP = "http"
    RTM = "rtm"


def _required(name: str, parse: Callable[[str], T], what: str, *, is_secret: bool = False) -> T:
    variable = Variable(name, parse, is_required=True, what=what, is_secret=is_secret)
    return cast("T", field(metadata={"variable": variable}))


def _set_by(name: str, parse: Callable[[str], T], default: str) -> T:
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
    flyte_api_timeout_seconds: float = _set_by("FLYTE_API_TIMEOUT", values.number(0.1, 600), "10")
    flyte_jwt: Secret | None = _secret("FLYTE_JWT")
    flyte_labels: Mapping[str, str] = _set_by("FLYTE_LABELS", values.labels, "")
    pack_name: str = _set_by("PACK_NAME", values.plain_text, "Slack")

    slack_token: Secret = _required("FLYTE_SLACK_TOKEN", Secret, "the bot token", is_secret=True)
    slack_app_token: Secret | None = _secret("FLYTE_SLACK_APP_TOKEN")
    slack_signing_secret: Secret | None = _secret("FLYTE_SLACK_SIGNING_SECRET")
    slack_api_url: str = _set_by(
        "FLYTE_SLACK_API_URL", values.http_url("https://slack.com/api/"), "https://slack.com/api/"
    )
    default_join_channels: tuple[ChannelId, ...] = _set_by("FLYTE_SLACK_DEFAULT_JOIN_CHANNEL", values.channel_ids, "")

    backup_dir: Path = _set_by("FLYTE_SLACK_BACKUP_DIR", values.directory, "$TMPDIR/flyte-slack")
    storage: Secret | None = _secret("FLYTE_SLACK_STORAGE", values.storage_url)

    listen: Listen = _set_by("FLYTE_SLACK_LISTEN", values.choice(Listen), "joined")
    receives_bots: bool = _set_by("FLYTE_SLACK_RECEIVE_BOTS", values.flag, "false")
    messages_per_second: float = _set_by("FLYTE_SLACK_MESSAGES_PER_SECOND", values.number(0.001, _MANY), "1")
    message_burst: int = _set_by("FLYTE_SLACK_MESSAGE_BURST", values.whole_number(1, _MANY), "10")
    give_up_seconds: float = _set_by("FLYTE_SLACK_GIVE_UP", values.number(0, 7 * _DAY), "600")
    when_in_doubt: WhenInDoubt = _set_by("FLYTE_SLACK_IN_DOUBT", values.choice(WhenInDoubt), "fail")
    catch_up_seconds: float = _set_by("FLYTE_SLACK_CATCH_UP", values.number(0, 2 * _DAY), "3600")
    """No further back than messages are recognised for certain (48 h): else what was heard would be heard again."""
    journal_limit: int = _set_by("FLYTE_SLACK_JOURNAL_LIMIT", values.whole_number(1, _MANY), "10000")
    record: Path | None = _optional("FLYTE_SLACK_RECORD", values.file)

    http_host: str = _set_by("FLYTE_SLACK_HTTP_HOST", values.host, "0.0.0.0")
    http_port: int = _set_by("FLYTE_SLACK_HTTP_PORT", values.port, "8090")
    log_level: str = _set_by("LOGLEVEL", values.log_level, "info")

    proxy_passwords: tuple[Secret, ...] = ()
    """Of the proxies that the environment names, so that they stay out of the log."""
    warnings: tuple[Mistake, ...] = ()
    """What is odd and does not keep the pack from running; for the log."""

    @property
    def storage_url(self) -> Secret:
        """Where everything is kept: what was asked for, else the backup folder."""
        return self.storage or Secret(self.backup_dir.as_uri())

    @property
    def receiving(self) -> Receiving:
        """How the pack hears from Slack, which the secrets at hand decide."""
        if self.slack_app_token:
            return Receiving.SOCKET_MODE
        return Receiving.HTTP if self.slack_signing_secret else Receiving.RTM

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
    mistakes: list[Mistake] = []
    for field_name, variable in _variables_by_field().items():
        try:
            found[field_name] = variable.value(given)
        except ValueError as error:
            mistakes.append(Mistake(variable.name, str(error)))
    if mistakes:
        raise SettingsError(tuple(mistakes))
    warnings = (*_unknown_variables(given), *_unused_variables(given, found["storage"]))
    return Settings(**found, proxy_passwords=_proxy_passwords(given), warnings=warnings)


def storage_url(environ: Mapping[str, str]) -> Secret:
    """Where everything is kept, from the two variables that say so; no other one needs to be right. SettingsError."""
    given = {name: text for name, value in environ.items() if (text := value.strip())}
    found: dict[str, Any] = {}
    mistakes: list[Mistake] = []
    for field_name in ("backup_dir", "storage"):
        variable = _variables_by_field()[field_name]
        try:
            found[field_name] = variable.value(given)
        except ValueError as error:
            mistakes.append(Mistake(variable.name, str(error)))
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


def _unknown_variables(given: Mapping[str, str]) -> list[Mistake]:
    known = [name for variable in variables() for name in variable.names]
    unknown = [name for name in sorted(given) if name.startswith(_OURS) and name not in known]
    return [Mistake(name, _did_you_mean(name, known)) for name in unknown if not _SET_BY_KUBERNETES.fullmatch(name)]


def _did_you_mean(name: str, known: list[str]) -> str:
    similar = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    return "there is no such variable" + (f"; did you mean {similar[0]}?" if similar else "")


def _unused_variables(given: Mapping[str, str], storage: Secret | None) -> list[Mistake]:
    if storage and "FLYTE_SLACK_BACKUP_DIR" in given:
        return [Mistake("FLYTE_SLACK_BACKUP_DIR", "it is not used, since FLYTE_SLACK_STORAGE is set")]
    return []
