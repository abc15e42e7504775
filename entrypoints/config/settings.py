"""The settings: read from environment variables, with every invalid one reported at once."""
# ruff: noqa: RUF009 - the functions called for defaults return a field() that carries its variable

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from application.policies import Listen, WhenInDoubt
from domain.channels import ChannelId
from entrypoints.config import oddities, parsers
from entrypoints.config.issues import SettingIssue, SettingsError
from entrypoints.config.parsers import Secret
from entrypoints.config.passwords import passwords_in
from entrypoints.config.tracing import trace_exporters, tracing_issues
from entrypoints.config.variables import Variable

T = TypeVar("T")

_PROXIES: Final = ("https_proxy", "http_proxy", "all_proxy")
_OF_EACH_REPLICA: Final = frozenset(
    (
        *("flyte_api_timeout_seconds", "storage", "backup_dir", "record", "http_host", "http_port", "shows_metrics"),
        "log_level",
    )
)
"""The settings that may differ between the replicas of a pack."""
_DAY_SECONDS: Final = 86400
_MILLION: Final = 1_000_000
_AGE_OF_DONE: Final = parsers.number(2 * _DAY_SECONDS, 3650 * _DAY_SECONDS)
"""At least 48 h, the reach of message recognition, of backfill and of queries of Flyte's audit."""


class ReceiveMode(Enum):
    """How the pack receives events from Slack."""

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
    """How to run the pack. Each field names its variable, the parser of its values, and the default."""

    flyte_api: str = _required(
        "FLYTE_API",
        parsers.http_url("http://localhost:8080"),
        "the base URL of the Flyte API, like http://localhost:8080",
    )
    flyte_api_timeout_seconds: float = _with_default("FLYTE_API_TIMEOUT", parsers.number(0.1, 600), "10")
    flyte_jwt: Secret | None = _secret("FLYTE_JWT")
    flyte_labels: Mapping[str, str] = _with_default("FLYTE_LABELS", parsers.labels, "")
    pack_name: str = _with_default("PACK_NAME", parsers.pack_name, "Slack")

    slack_token: Secret = _required("FLYTE_SLACK_TOKEN", Secret, "the bot token", is_secret=True)
    slack_app_token: Secret | None = _secret("FLYTE_SLACK_APP_TOKEN")
    slack_signing_secret: Secret | None = _secret("FLYTE_SLACK_SIGNING_SECRET")
    slack_api_url: str = _with_default(
        "FLYTE_SLACK_API_URL", parsers.http_url("https://slack.com/api/"), "https://slack.com/api/"
    )
    default_join_channels: tuple[ChannelId, ...] = _with_default(
        "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL", parsers.channel_ids, ""
    )

    backup_dir: Path = _with_default("FLYTE_SLACK_BACKUP_DIR", parsers.directory, "$TMPDIR/flyte-slack")
    storage: Secret | None = _secret("FLYTE_SLACK_STORAGE", parsers.storage_url)

    listen: Listen = _with_default("FLYTE_SLACK_LISTEN", parsers.choice(Listen), "joined")
    receives_bots: bool = _with_default("FLYTE_SLACK_RECEIVE_BOTS", parsers.flag, "false")
    receives_edits: bool = _with_default("FLYTE_SLACK_RECEIVE_EDITS", parsers.flag, "false")
    other_events: tuple[str, ...] = _with_default("FLYTE_SLACK_EVENTS", parsers.event_types, "")
    command_reply: str = _with_default("FLYTE_SLACK_COMMAND_REPLY", str, "")
    allowed_methods: tuple[str, ...] = _with_default("FLYTE_SLACK_ALLOWED_METHODS", parsers.methods, "")
    key_age_seconds: float = _with_default("FLYTE_SLACK_KEY_AGE", parsers.number(1, 3650 * _DAY_SECONDS), "2592000")
    event_age_seconds: float = _with_default("FLYTE_SLACK_EVENT_AGE", _AGE_OF_DONE, "259200")
    action_age_seconds: float = _with_default("FLYTE_SLACK_ACTION_AGE", _AGE_OF_DONE, "259200")
    set_aside_age_seconds: float = _with_default(
        "FLYTE_SLACK_SET_ASIDE_AGE", parsers.number(0, 3650 * _DAY_SECONDS), "0"
    )
    messages_per_second: float = _with_default("FLYTE_SLACK_MESSAGES_PER_SECOND", parsers.number(0.001, _MILLION), "1")
    message_burst: int = _with_default("FLYTE_SLACK_MESSAGE_BURST", parsers.whole_number(1, _MILLION), "10")
    give_up_seconds: float = _with_default("FLYTE_SLACK_GIVE_UP", parsers.number(0, 7 * _DAY_SECONDS), "600")
    when_in_doubt: WhenInDoubt = _with_default("FLYTE_SLACK_IN_DOUBT", parsers.choice(WhenInDoubt), "fail")
    catch_up_seconds: float = _with_default("FLYTE_SLACK_CATCH_UP", parsers.number(0, 2 * _DAY_SECONDS), "3600")
    """At most 48 h, the time for which messages are recognized; older ones would be received twice."""
    journal_limit: int = _with_default("FLYTE_SLACK_JOURNAL_LIMIT", parsers.whole_number(1, _MILLION), "10000")
    lease_seconds: float = _with_default("FLYTE_SLACK_LEASE", parsers.number(1, 600), "20")
    record: Path | None = _optional("FLYTE_SLACK_RECORD", parsers.file)

    http_host: str = _with_default("FLYTE_SLACK_HTTP_HOST", parsers.host, "0.0.0.0")
    http_port: int = _with_default("FLYTE_SLACK_HTTP_PORT", parsers.port, "8090")
    shows_metrics: bool = _with_default("FLYTE_SLACK_METRICS", parsers.flag, "true")
    trace_payload: bool = _with_default("FLYTE_SLACK_TRACE_PAYLOAD", parsers.flag, "false")
    log_level: str = _with_default("LOGLEVEL", parsers.log_level, "info")

    trace_exporters: tuple[str, ...] = ()
    """The exporters of traces, by OpenTelemetry's names; nothing is traced without any."""
    proxy_passwords: tuple[Secret, ...] = ()
    """The passwords in the environment's proxy URLs, to be kept out of logs."""
    warnings: tuple[SettingIssue, ...] = ()
    """Suspicious settings with which the pack can still run."""

    @property
    def storage_url(self) -> Secret:
        """The URL of the storage: the configured one, or else the backup directory's."""
        return self.storage or Secret(self.backup_dir.as_uri())

    @property
    def receive_mode(self) -> ReceiveMode:
        """How the pack receives events, as implied by the secrets that are set."""
        if self.slack_app_token:
            return ReceiveMode.SOCKET_MODE
        return ReceiveMode.HTTP if self.slack_signing_secret else ReceiveMode.RTM

    @property
    def optional_events(self) -> frozenset[str]:
        """The names of the events of optional features that are switched on."""
        edits = ("ReceivedEdit", "ReceivedDeletion") if self.receives_edits else ()
        return frozenset((*edits, "ReceivedSlackEvent") if self.other_events else edits)

    @property
    def secret_texts(self) -> tuple[str, ...]:
        """Texts that must not appear in any log: tokens, and passwords in URLs."""
        secrets = (self.flyte_jwt, self.slack_token, self.slack_app_token, self.slack_signing_secret)
        revealed = [secret.reveal() for secret in (*secrets, *self.proxy_passwords) if secret]
        return (*revealed, *passwords_in(self.storage_url.reveal()))


def digests(settings: Settings) -> Mapping[str, str]:
    """Returns a digest of every setting that all replicas of a pack should share, by the name of its variable."""
    values = {
        variable.name: getattr(settings, field_name)
        for field_name, variable in _variables_by_field().items()
        if field_name not in _OF_EACH_REPLICA
    }
    return {name: _digest(name, value) for name, value in values.items()}


def public_values(settings: Settings) -> Mapping[str, object]:
    """Returns the value of every setting that is not secret, by the name of its variable."""
    values = {
        variable.name: getattr(settings, field_name)
        for field_name, variable in _variables_by_field().items()
        if not variable.is_secret
    }
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()}


def variables() -> tuple[Variable, ...]:
    """Returns every variable of the pack, in the order of the documentation."""
    return tuple(_variables_by_field().values())


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Reads the settings from environment variables. Raises SettingsError that lists every invalid and misspelt one.

    White space around a value is ignored, and an empty variable counts as unset.
    """
    given = _non_empty(environ)
    misspelt = tuple(oddities.misspelt(given, variables()))
    try:
        values = _parse(_variables_by_field(), given)
    except SettingsError as error:
        raise SettingsError((*error.issues, *misspelt)) from None
    settings = Settings(**values, trace_exporters=trace_exporters(given), proxy_passwords=_proxy_passwords(given))
    issues = (
        *misspelt,
        *oddities.misplaced(settings),
        *_ineffective(given),
        *tracing_issues(given, in_payload=settings.trace_payload),
    )
    return replace(settings, warnings=issues)


def storage_url(environ: Mapping[str, str]) -> Secret:
    """Reads the storage's URL only, whatever the other variables contain. Raises SettingsError."""
    values = read_some(environ, "backup_dir", "storage")
    return values["storage"] or Secret(values["backup_dir"].as_uri())


def read_some(environ: Mapping[str, str], *field_names: str) -> Mapping[str, Any]:
    """Reads the fields of Settings that are named, whatever the other variables contain. Raises SettingsError."""
    by_field = _variables_by_field()
    return _parse({name: by_field[name] for name in field_names}, _non_empty(environ))


def _digest(name: str, value: object) -> str:
    text = (
        value.reveal()
        if isinstance(value, Secret)
        else repr(sorted(value.items()) if isinstance(value, Mapping) else value)
    )
    return hashlib.sha256(f"{name}={text}".encode()).hexdigest()[:16]


def _variables_by_field() -> dict[str, Variable]:
    return {setting.name: setting.metadata["variable"] for setting in fields(Settings) if setting.metadata}


def _non_empty(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, value in environ.items() if (text := value.strip())}


def _parse(variables_by_field: Mapping[str, Variable], given: Mapping[str, str]) -> dict[str, Any]:
    """Returns the values by field. Raises SettingsError."""
    values: dict[str, Any] = {}
    issues: list[SettingIssue] = []
    for field_name, variable in variables_by_field.items():
        try:
            values[field_name] = variable.read(given)
        except ValueError as error:
            issues.append(SettingIssue(variable.name, str(error)))
    if issues:
        raise SettingsError(tuple(issues))
    return values


def _proxy_passwords(given: Mapping[str, str]) -> tuple[Secret, ...]:
    urls = (text for name, text in given.items() if name.lower() in _PROXIES)
    return tuple(Secret(password) for url in urls for password in passwords_in(url))


def _ineffective(given: Mapping[str, str]) -> Iterator[SettingIssue]:
    is_replaced = given.keys() & {"FLYTE_SLACK_STORAGE", "FLYTE_SLACK_STORAGE_FILE"}
    if is_replaced and "FLYTE_SLACK_BACKUP_DIR" in given:
        yield SettingIssue("FLYTE_SLACK_BACKUP_DIR", "has no effect, because FLYTE_SLACK_STORAGE is set")
