"""The settings: every documented variable, its default, its accepted forms."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from application.policies import Listen, WhenInDoubt
from entrypoints.config.parsers import Secret
from entrypoints.config.passwords import passwords_in
from entrypoints.config.settings import ReceiveMode, Settings, load_settings, variables

REQUIRED = {"FLYTE_API": "http://localhost:8080", "FLYTE_SLACK_TOKEN": "token_abc"}


def load(**more: str) -> Settings:
    return load_settings({**REQUIRED, **more})


def test_three_variables_are_enough() -> None:
    settings = load_settings(
        {
            "FLYTE_API": "http://localhost:8080",
            "FLYTE_SLACK_TOKEN": "token_abc",
            "FLYTE_SLACK_DEFAULT_JOIN_CHANNEL": "1234",
        }
    )

    assert settings.flyte_api == "http://localhost:8080"
    assert settings.slack_token == Secret("token_abc")
    assert settings.default_join_channels == ("1234",)
    assert settings.receive_mode is ReceiveMode.RTM


def test_every_other_setting_has_the_documented_default() -> None:
    settings = load_settings(REQUIRED)

    assert settings.flyte_api_timeout_seconds == 10
    assert settings.flyte_jwt is None
    assert settings.flyte_labels == {}
    assert settings.pack_name == "Slack"
    assert settings.slack_app_token is None
    assert settings.slack_signing_secret is None
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.default_join_channels == ()
    assert settings.backup_dir == Path("/tmp/flyte-slack")  # noqa: S108 - the documented default
    assert settings.storage_url == Secret("file:///tmp/flyte-slack")
    assert settings.listen is Listen.JOINED
    assert settings.receives_bots is False
    assert settings.key_age_seconds == 30 * 86400
    assert settings.event_age_seconds == settings.action_age_seconds == 72 * 3600
    assert settings.set_aside_age_seconds == 0
    assert settings.messages_per_second == 1
    assert settings.message_burst == 10
    assert settings.give_up_seconds == 600
    assert settings.when_in_doubt is WhenInDoubt.FAIL
    assert settings.catch_up_seconds == 3600
    assert settings.journal_limit == 10000
    assert settings.lease_seconds == 20
    assert settings.record is None
    assert (settings.http_host, settings.http_port) == ("0.0.0.0", 8090)
    assert settings.log_level == "info"


def test_every_variable_can_be_set(tmp_path: Path) -> None:
    settings = load(
        FLYTE_API_TIMEOUT="2.5",
        FLYTE_JWT="jwt",
        FLYTE_LABELS="env=dev, region = eu",
        PACK_NAME="Slack of ours",
        FLYTE_SLACK_APP_TOKEN="app",
        FLYTE_SLACK_SIGNING_SECRET="sign",
        FLYTE_SLACK_API_URL="http://127.0.0.1:9000/api",
        FLYTE_SLACK_DEFAULT_JOIN_CHANNEL="C1, C2,,C1",
        FLYTE_SLACK_BACKUP_DIR=str(tmp_path),
        FLYTE_SLACK_LISTEN="member",
        FLYTE_SLACK_RECEIVE_BOTS="yes",
        FLYTE_SLACK_RECEIVE_EDITS="on",
        FLYTE_SLACK_EVENTS="team_join, app_home_opened,,team_join",
        FLYTE_SLACK_COMMAND_REPLY="One moment ...",
        FLYTE_SLACK_ALLOWED_METHODS="pins.*, bookmarks.add,,pins.*",
        FLYTE_SLACK_KEY_AGE="60",
        FLYTE_SLACK_EVENT_AGE="172800",
        FLYTE_SLACK_ACTION_AGE="604800",
        FLYTE_SLACK_SET_ASIDE_AGE="2592000",
        FLYTE_SLACK_MESSAGES_PER_SECOND="0.5",
        FLYTE_SLACK_MESSAGE_BURST="3",
        FLYTE_SLACK_GIVE_UP="0",
        FLYTE_SLACK_IN_DOUBT="resend",
        FLYTE_SLACK_CATCH_UP="0",
        FLYTE_SLACK_JOURNAL_LIMIT="5",
        FLYTE_SLACK_LEASE="1.5",
        FLYTE_SLACK_RECORD=str(tmp_path / "record.jsonl"),
        FLYTE_SLACK_HTTP_HOST="127.0.0.1",
        FLYTE_SLACK_HTTP_PORT="0",
        LOGLEVEL="WARN",
    )

    assert settings.flyte_api_timeout_seconds == 2.5
    assert settings.flyte_jwt == Secret("jwt")
    assert settings.flyte_labels == {"env": "dev", "region": "eu"}
    assert settings.pack_name == "Slack of ours"
    assert settings.slack_app_token == Secret("app")
    assert settings.slack_signing_secret == Secret("sign")
    assert settings.slack_api_url == "http://127.0.0.1:9000/api/"
    assert settings.default_join_channels == ("C1", "C2")
    assert settings.backup_dir == tmp_path
    assert settings.storage_url == Secret(tmp_path.as_uri())
    assert settings.listen is Listen.MEMBER
    assert settings.receives_bots is True
    assert settings.receives_edits is True
    assert settings.other_events == ("team_join", "app_home_opened")
    assert settings.command_reply == "One moment ..."
    assert settings.allowed_methods == ("pins.*", "bookmarks.add")
    assert settings.key_age_seconds == 60
    assert settings.event_age_seconds == 172800
    assert settings.action_age_seconds == 604800
    assert settings.set_aside_age_seconds == 2592000
    assert settings.messages_per_second == 0.5
    assert settings.message_burst == 3
    assert settings.give_up_seconds == 0
    assert settings.when_in_doubt is WhenInDoubt.RESEND
    assert settings.catch_up_seconds == 0
    assert settings.journal_limit == 5
    assert settings.lease_seconds == 1.5
    assert settings.record == tmp_path / "record.jsonl"
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 0)
    assert settings.log_level == "warning"


def test_the_variables_are_listed_in_the_order_of_the_documentation() -> None:
    assert " ".join(variable.name for variable in variables()) == (
        "FLYTE_API FLYTE_API_TIMEOUT FLYTE_JWT FLYTE_LABELS PACK_NAME FLYTE_SLACK_TOKEN FLYTE_SLACK_APP_TOKEN "
        "FLYTE_SLACK_SIGNING_SECRET FLYTE_SLACK_API_URL FLYTE_SLACK_DEFAULT_JOIN_CHANNEL FLYTE_SLACK_BACKUP_DIR "
        "FLYTE_SLACK_STORAGE FLYTE_SLACK_LISTEN FLYTE_SLACK_RECEIVE_BOTS FLYTE_SLACK_RECEIVE_EDITS FLYTE_SLACK_EVENTS "
        "FLYTE_SLACK_COMMAND_REPLY FLYTE_SLACK_ALLOWED_METHODS FLYTE_SLACK_KEY_AGE "
        "FLYTE_SLACK_EVENT_AGE FLYTE_SLACK_ACTION_AGE FLYTE_SLACK_SET_ASIDE_AGE "
        "FLYTE_SLACK_MESSAGES_PER_SECOND FLYTE_SLACK_MESSAGE_BURST "
        "FLYTE_SLACK_GIVE_UP FLYTE_SLACK_IN_DOUBT FLYTE_SLACK_CATCH_UP "
        "FLYTE_SLACK_JOURNAL_LIMIT FLYTE_SLACK_LEASE FLYTE_SLACK_RECORD "
        "FLYTE_SLACK_HTTP_HOST FLYTE_SLACK_HTTP_PORT FLYTE_SLACK_METRICS FLYTE_SLACK_TRACE_PAYLOAD LOGLEVEL"
    )


@pytest.mark.parametrize("nothing", ["", "  ", "\n"])
def test_an_empty_variable_is_an_unset_one(nothing: str) -> None:
    everything = {name: nothing for variable in variables() for name in variable.names}

    assert load_settings({**everything, **REQUIRED}) == load_settings(REQUIRED)


def test_white_space_around_a_value_is_ignored() -> None:
    settings = load(FLYTE_JWT=" jwt\n", FLYTE_API_TIMEOUT=" 3 ")

    assert settings.flyte_jwt == Secret("jwt")
    assert settings.flyte_api_timeout_seconds == 3


@pytest.mark.parametrize(
    ("secrets", "mode"),
    [
        ({}, ReceiveMode.RTM),
        ({"FLYTE_SLACK_APP_TOKEN": "app"}, ReceiveMode.SOCKET_MODE),
        ({"FLYTE_SLACK_SIGNING_SECRET": "sign"}, ReceiveMode.HTTP),
        ({"FLYTE_SLACK_APP_TOKEN": "app", "FLYTE_SLACK_SIGNING_SECRET": "sign"}, ReceiveMode.SOCKET_MODE),
    ],
)
def test_the_secrets_decide_how_the_pack_receives(secrets: Mapping[str, str], mode: ReceiveMode) -> None:
    assert load(**secrets).receive_mode is mode


@pytest.mark.parametrize("text", ["true", "TRUE", "1", "yes", "Yes", "on"])
def test_true_has_many_forms(text: str) -> None:
    assert load(FLYTE_SLACK_RECEIVE_BOTS=text).receives_bots is True


@pytest.mark.parametrize("text", ["false", "False", "0", "no", "NO", "off"])
def test_false_has_many_forms(text: str) -> None:
    assert load(FLYTE_SLACK_RECEIVE_BOTS=text).receives_bots is False


@pytest.mark.parametrize(
    ("text", "level"),
    [("debug", "debug"), ("Info", "info"), ("WARNING", "warning"), ("warn", "warning"), ("eRRor", "error")],
)
def test_the_log_level_is_case_insensitive(text: str, level: str) -> None:
    assert load(LOGLEVEL=text).log_level == level


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://flyte", "http://flyte"),
        ("https://flyte.example/", "https://flyte.example"),
        ("https://example.com/flyte/", "https://example.com/flyte"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_flyte_api_has_no_trailing_slash(text: str, url: str) -> None:
    assert load(FLYTE_API=text).flyte_api == url


def test_a_label_value_may_contain_an_equals_sign() -> None:
    assert load(FLYTE_LABELS="query=a=b").flyte_labels == {"query": "a=b"}


def test_an_ipv6_address_may_be_in_brackets() -> None:
    assert load(FLYTE_SLACK_HTTP_HOST="[::1]").http_host == "::1"


def test_the_default_backup_directory_is_in_the_directory_of_temporary_files() -> None:
    assert load(TMPDIR="/scratch/").backup_dir == Path("/scratch/flyte-slack")


def test_a_relative_backup_directory_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    settings = load(FLYTE_SLACK_BACKUP_DIR="state/../its state")

    assert settings.backup_dir == tmp_path / "its state"
    assert settings.storage_url == Secret(f"{tmp_path.as_uri()}/its%20state")


@pytest.mark.parametrize("url", ["file:///var/lib/flyte-slack", "memory:"])
def test_the_storage_is_a_directory_or_memory(url: str) -> None:
    assert load(FLYTE_SLACK_STORAGE=url).storage_url == Secret(url)


def test_settings_are_shown_without_secrets() -> None:
    settings = load_settings(
        {
            "FLYTE_API": "http://flyte",
            "FLYTE_SLACK_TOKEN": "hush-1",
            "FLYTE_SLACK_APP_TOKEN": "hush-2",
            "FLYTE_SLACK_SIGNING_SECRET": "hush-3",
            "FLYTE_JWT": "hush-4",
            "FLYTE_SLACK_STORAGE": "file:///hush-5",
            "HTTPS_PROXY": "http://me:hush-6@proxy:3128",
        }
    )

    assert "hush" not in repr(settings)
    assert "hush" not in str(settings)
    assert f"{settings.slack_token}{settings.slack_token!r}" == "Secret(***)Secret(***)"


def test_secret_texts_include_tokens_and_passwords_in_urls() -> None:
    settings = load(
        FLYTE_JWT="jwt", FLYTE_SLACK_APP_TOKEN="app", FLYTE_SLACK_SIGNING_SECRET="sign", https_proxy="me:p%40ss@proxy:1"
    )

    assert set(settings.secret_texts) == {"token_abc", "jwt", "app", "sign", "p%40ss", "p@ss"}


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("postgresql://me:p%40ss@host/pack", {"p%40ss", "p@ss"}),
        ("postgresql://me:p?a#ss@host/pack", {"p?a#ss"}),
        (
            "postgresql://me@/pack?host=/run&password=p+s&sslmode=require&sslpassword=p%20t",
            {"p+s", "p s", "p%20t", "p t"},
        ),
        ("postgresql:///pack?passfile=/etc/pass&scram_client_key=k", {"k"}),
    ],
)
def test_passwords_are_found_wherever_a_url_may_have_them(url: str, passwords: set[str]) -> None:
    assert set(passwords_in(url)) == passwords


@pytest.mark.parametrize(
    "name", ["Slack of ours", "Schlüssel", "50%", "A+B&C", "Slack;v=1", "100%x", "...", "a..b", "💬"]
)
def test_a_pack_name_and_a_label_may_have_any_character_that_flyte_can_route(name: str) -> None:
    assert load(PACK_NAME=name).pack_name == name
    assert load(FLYTE_LABELS=f"key={name}").flyte_labels == {"key": name}
