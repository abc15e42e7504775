"""Invalid and suspicious settings, and the messages about them."""

from pathlib import Path

import pytest

from entrypoints.config.issues import SettingsError
from entrypoints.config.settings import load_settings

NOT_A_URL = "must be an http:// or https:// URL without user name, password, spaces, ? and #, like"
REQUIRED = {"FLYTE_API": "http://localhost:8080", "FLYTE_SLACK_TOKEN": "token_abc"}


def issues(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return {issue.variable: issue.message for issue in caught.value.issues}


def warnings(**more: str) -> dict[str, str]:
    settings = load_settings({**REQUIRED, "FLYTE_SLACK_BACKUP_DIR": "/var/lib/flyte-slack", **more})
    return {warning.variable: warning.message for warning in settings.warnings}


def test_missing_required_variables_are_named() -> None:
    assert issues({}) == {
        "FLYTE_API": "required; set it to the base URL of the Flyte API, like http://localhost:8080",
        "FLYTE_SLACK_TOKEN": (
            "required; set it to the bot token, or set FLYTE_SLACK_TOKEN_FILE to a file that contains it"
        ),
    }


def test_all_invalid_settings_are_reported_at_once_one_per_line() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"FLYTE_API": "localhost", "FLYTE_SLACK_RECEIVE_BOTS": "maybe", "LOGLEVEL": "loud"})

    assert str(caught.value).splitlines() == [
        f"FLYTE_API: {NOT_A_URL} http://localhost:8080",
        (
            "FLYTE_SLACK_TOKEN: required; set it to the bot token, "
            "or set FLYTE_SLACK_TOKEN_FILE to a file that contains it"
        ),
        "FLYTE_SLACK_RECEIVE_BOTS: must be true or false, not 'maybe'",
        "LOGLEVEL: must be debug, info, warning or error, not 'loud'",
    ]


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("FLYTE_API", "ftp://flyte", NOT_A_URL),
        ("FLYTE_API", "http://", NOT_A_URL),
        ("FLYTE_API", "http://flyte:port", NOT_A_URL),
        ("FLYTE_API", "http://[::1", NOT_A_URL),
        ("FLYTE_API", "http://fly te", NOT_A_URL),
        ("FLYTE_API", "http://flyte?x=1", NOT_A_URL),
        ("FLYTE_API", "http://flyte#here", NOT_A_URL),
        ("FLYTE_API", "http://me:hush@flyte", NOT_A_URL),
        ("FLYTE_SLACK_API_URL", "slack.com", NOT_A_URL),
        ("FLYTE_API_TIMEOUT", "0", "must be a number from 0.1 to 600, not '0'"),
        ("FLYTE_API_TIMEOUT", "nan", "must be a number from 0.1 to 600, not 'nan'"),
        ("FLYTE_API_TIMEOUT", "inf", "must be a number from 0.1 to 600, not 'inf'"),
        ("FLYTE_API_TIMEOUT", "10s", "must be a number from 0.1 to 600, not '10s'"),
        ("FLYTE_API_TIMEOUT", "1_0", "must be a number from 0.1 to 600, not '1_0'"),
        ("FLYTE_SLACK_MESSAGES_PER_SECOND", "0", "must be a number from 0.001 to 1000000, not '0'"),
        ("FLYTE_SLACK_MESSAGES_PER_SECOND", "-1", "must be a number from 0.001 to 1000000, not '-1'"),
        ("FLYTE_SLACK_MESSAGE_BURST", "0", "must be a whole number from 1 to 1000000, not '0'"),
        ("FLYTE_SLACK_MESSAGE_BURST", "2.5", "must be a whole number from 1 to 1000000, not '2.5'"),
        ("FLYTE_SLACK_GIVE_UP", "-1", "must be a number from 0 to 604800, not '-1'"),
        ("FLYTE_SLACK_CATCH_UP", "172801", "must be a number from 0 to 172800, not '172801'"),
        ("FLYTE_SLACK_JOURNAL_LIMIT", "0", "must be a whole number from 1 to 1000000, not '0'"),
        ("FLYTE_SLACK_HTTP_PORT", "65536", "must be a whole number from 0 to 65535, not '65536'"),
        ("FLYTE_SLACK_HTTP_PORT", "\u0661", "must be a whole number from 0 to 65535, not '\u0661'"),
        (
            "FLYTE_SLACK_HTTP_PORT",
            "tcp://10.0.0.1:80",
            "looks like one that Kubernetes sets for a service",
        ),
        ("FLYTE_SLACK_RECORD", "/", "must be a file; '/' is a directory"),
        ("FLYTE_SLACK_RECORD", "r" * 256, "must be a file, and its path can't be used: File name too long"),
        ("FLYTE_SLACK_HTTP_HOST", "http://0.0.0.0", "must be a host name or address without scheme and port"),
        ("FLYTE_SLACK_HTTP_HOST", "a..b", "must be a host name or address without scheme and port"),
        ("FLYTE_SLACK_HTTP_HOST", ".b", "must be a host name or address without scheme and port"),
        ("FLYTE_SLACK_HTTP_HOST", "a" * 64, "must be a host name or address without scheme and port"),
        ("FLYTE_SLACK_LISTEN", "everywhere", "must be joined or member, not 'everywhere'"),
        ("FLYTE_SLACK_LEASE", "0.5", "must be a number from 1 to 600, not '0.5'"),
        ("FLYTE_SLACK_IN_DOUBT", "retry", "must be fail or resend, not 'retry'"),
        ("FLYTE_SLACK_EVENTS", "team_join,Team Join", "separated by commas, like team_join,channel_created, not 'Team"),
        ("FLYTE_SLACK_EVENTS", "team_join,*", "must be types of Slack's events separated by commas"),
        (
            "FLYTE_SLACK_ALLOWED_METHODS",
            "*",
            "must be methods of Slack separated by commas, like pins.add,bookmarks.*, not '*'",
        ),
        (
            "FLYTE_SLACK_ALLOWED_METHODS",
            "pins.add,pins",
            "must be methods of Slack separated by commas, like pins.add,bookmarks.*, not 'pins'",
        ),
        (
            "FLYTE_SLACK_ALLOWED_METHODS",
            "Pins.add",
            "must be methods of Slack separated by commas, like pins.add,bookmarks.*, not 'Pins.add'",
        ),
        (
            "FLYTE_SLACK_ALLOWED_METHODS",
            "pins.a*",
            "must be methods of Slack separated by commas, like pins.add,bookmarks.*, not 'pins.a*'",
        ),
        ("FLYTE_SLACK_KEY_AGE", "0", "must be a number from 1 to 315360000, not '0'"),
        ("FLYTE_SLACK_EVENTS", "message", "must not contain 'message', which has an event of its own: ReceivedMessage"),
        ("FLYTE_SLACK_EVENTS", "message.im", "has an event of its own: ReceivedMessage"),
        ("FLYTE_SLACK_EVENTS", "app_mention", "has an event of its own: ReceivedMessage"),
        ("FLYTE_SLACK_EVENTS", "team_join,reaction_added", "has an event of its own: ReactionAdded"),
        ("FLYTE_SLACK_EVENTS", "reaction_removed", "has an event of its own: ReactionRemoved"),
        ("FLYTE_SLACK_EVENTS", "message_changed", "ReceivedEdit, with FLYTE_SLACK_RECEIVE_EDITS"),
        ("FLYTE_SLACK_EVENTS", "block_actions", "has an event of its own: ReceivedBlockAction"),
        ("FLYTE_LABELS", "env", "'env' is not key=value"),
        ("FLYTE_LABELS", "env=", "'env=' is not key=value"),
        ("FLYTE_LABELS", "=dev", "'=dev' is not key=value"),
        ("FLYTE_LABELS", "env=dev,", "'' is not key=value"),
        ("FLYTE_LABELS", "env=dev,env=prod", "must contain each label once; 'env' occurs twice"),
        (
            "FLYTE_SLACK_STORAGE",
            "postgresql://me:hush@db/x?mode=hush",
            "postgresql: the parameter mode is unknown",
        ),
        ("FLYTE_SLACK_STORAGE", "redis://hush@db", "use file:///directory, postgresql://host/database or memory:"),
        ("FLYTE_SLACK_STORAGE", "s3://hush", "the scheme is unknown"),
        ("FLYTE_SLACK_STORAGE", "/var/hush", "the scheme is unknown"),
        ("FLYTE_SLACK_STORAGE", "memory:hush", "memory: takes nothing after the colon"),
        ("FLYTE_SLACK_STORAGE", "file://hush", "file: needs three slashes and an absolute directory"),
        ("FLYTE_SLACK_STORAGE", "file:///var/x?hush=1", "file: takes no parameters"),
        ("FLYTE_SLACK_TOKEN", "hush\r\nhush", "must not contain line breaks, other control characters"),
        ("FLYTE_SLACK_TOKEN", "hush\udcff", "must not contain line breaks, other control characters"),
        ("PACK_NAME", "Sl\x1back", "must not contain line breaks, other control characters"),
        ("PACK_NAME", "Slack/test", "use 'Slack-test' instead of 'Slack/test'"),
        ("PACK_NAME", "what?", "use 'what-' instead of 'what?'"),
        ("PACK_NAME", "Slack#1", "use 'Slack-1' instead of 'Slack#1'"),
        ("PACK_NAME", "Slack%20test", "use 'Slack-test' instead of 'Slack%20test'"),
        ("PACK_NAME", "50%ab", "use '50-' instead of '50%ab'"),
        ("PACK_NAME", "..", "must not be '..'"),
        ("PACK_NAME", ".", "must not be '.'"),
        ("FLYTE_LABELS", "team=a/b", "use 'a-b' instead of 'a/b'"),
        ("FLYTE_LABELS", "env=dev,q=what?", "use 'what-' instead of 'what?'"),
        ("FLYTE_LABELS", "a#=b", "use 'a-' instead of 'a#'"),
        ("FLYTE_LABELS", "a=%2f", "use '-' instead of '%2f'"),
    ],
)
def test_a_message_says_which_values_are_accepted(variable: str, text: str, message: str) -> None:
    found = issues({**REQUIRED, variable: text})

    assert list(found) == [variable]
    assert message in found[variable]
    assert "hush" not in found[variable]


def test_a_long_value_is_truncated() -> None:
    assert len(issues({**REQUIRED, "LOGLEVEL": "x" * 10_000})["LOGLEVEL"]) < 150


@pytest.mark.parametrize(
    "variable",
    [
        "FLYTE_JWT",
        "FLYTE_SLACK_TOKEN",
        "FLYTE_SLACK_APP_TOKEN",
        "FLYTE_SLACK_SIGNING_SECRET",
        "FLYTE_SLACK_STORAGE",
    ],
)
class TestSecretInAFile:
    def test_is_read_without_its_trailing_line_break(self, variable: str, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("file:///from/a/file\n")
        environ = {name: text for name, text in REQUIRED.items() if name != variable}

        settings = load_settings({**environ, f"{variable}_FILE": str(file)})

        revealed = [settings.flyte_jwt, settings.slack_token, settings.slack_app_token]
        revealed += [settings.slack_signing_secret, settings.storage]
        assert [secret.reveal() for secret in revealed if secret].count("file:///from/a/file") == 1

    def test_is_rejected_when_the_variable_itself_is_set_too(self, variable: str, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("hush")

        found = issues({**REQUIRED, variable: "hush", f"{variable}_FILE": str(file)})

        assert found == {variable: f"set either this variable or {variable}_FILE, not both"}

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (None, "can't be read: No such file or directory"),
            (b"", "is empty"),
            (b"\n \n", "is empty"),
            (b"\xff\xfe", "is not UTF-8 text"),
            (b"h" * 65537, "is too large to hold a secret"),
        ],
    )
    def test_is_rejected_when_the_file_has_no_usable_text(
        self, variable: str, content: bytes | None, problem: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "secret"
        if content is not None:
            file.write_bytes(content)
        environ = {name: text for name, text in REQUIRED.items() if name != variable}

        found = issues({**environ, f"{variable}_FILE": str(file)})

        assert found == {variable: f"{variable}_FILE names a file that {problem} ({file})"}

    def test_is_rejected_when_it_has_several_lines(self, variable: str, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("hush\nhush\n")
        environ = {name: text for name, text in REQUIRED.items() if name != variable}

        message = issues({**environ, f"{variable}_FILE": str(file)})[variable]

        assert "must not contain line breaks" in message
        assert "hush" not in message


def test_a_directory_in_place_of_a_secret_file_is_rejected(tmp_path: Path) -> None:
    found = issues({**REQUIRED, "FLYTE_JWT_FILE": str(tmp_path)})

    assert found == {"FLYTE_JWT": f"FLYTE_JWT_FILE names a file that can't be read: Is a directory ({tmp_path})"}


def test_an_unknown_variable_is_a_warning_that_suggests_the_likely_name() -> None:
    assert warnings(FLYTE_SLACK_TOKN="x", FLYTE_SLACK_DEFAULT_JOIN_CHANNELS="C1", FLYTE_SLACK_UNICORNS="red") == {
        "FLYTE_SLACK_TOKN": "unknown variable; did you mean FLYTE_SLACK_TOKEN?",
        "FLYTE_SLACK_DEFAULT_JOIN_CHANNELS": ("unknown variable; did you mean FLYTE_SLACK_DEFAULT_JOIN_CHANNEL?"),
        "FLYTE_SLACK_UNICORNS": "unknown variable",
    }


@pytest.mark.parametrize(
    ("name", "intended"),
    [
        ("FLYTE_LABEL", "FLYTE_LABELS"),
        ("flyte_labels", "FLYTE_LABELS"),
        ("FLYTE_JTW", "FLYTE_JWT"),
        ("FLYTE_JWT_FILES", "FLYTE_JWT_FILE"),
        ("FLYTE_TIMEOUT", "FLYTE_API_TIMEOUT"),
        ("FLYTE_PACK_NAME", "PACK_NAME"),
        ("PACKNAME", "PACK_NAME"),
        ("LOG_LEVEL", "LOGLEVEL"),
        ("SLACK_APP_TOKEN", "FLYTE_SLACK_APP_TOKEN"),
        ("SLACK_SIGNING_SECRET", "FLYTE_SLACK_SIGNING_SECRET"),
    ],
)
def test_a_misspelt_name_is_a_warning_whatever_it_begins_with(name: str, intended: str) -> None:
    assert warnings(**{name: "x"}) == {name: f"unknown variable; did you mean {intended}?"}


def test_misspelt_names_are_listed_with_the_errors_that_they_cause() -> None:
    assert issues({"FLYTE_API_URL": "http://localhost:8080", "SLACK_TOKEN": "token_abc"}) == {
        "FLYTE_API": "required; set it to the base URL of the Flyte API, like http://localhost:8080",
        "FLYTE_SLACK_TOKEN": (
            "required; set it to the bot token, or set FLYTE_SLACK_TOKEN_FILE to a file that contains it"
        ),
        "FLYTE_API_URL": "unknown variable; did you mean FLYTE_API?",
        "SLACK_TOKEN": "unknown variable; did you mean FLYTE_SLACK_TOKEN?",
    }


@pytest.mark.parametrize(
    "name", ["FLYTE_MGO_HOST", "STORAGE", "EVENTS", "TOKEN", "HTTP_PORT", "SLACK_TOKEN", "OTEL_SERVICE_NAME", "PATH"]
)
def test_variables_of_other_programs_cause_no_warning(name: str) -> None:
    assert warnings(**{name: "x"}) == {}


@pytest.mark.parametrize(
    ("variable", "text", "found", "advice"),
    [
        ("FLYTE_SLACK_TOKEN", "xapp-1-hush", "an app-level token", "belongs in FLYTE_SLACK_APP_TOKEN"),
        ("FLYTE_SLACK_TOKEN", "xoxp-hush", "a user token", "a bot token begins with xoxb-"),
        ("FLYTE_SLACK_APP_TOKEN", "xoxb-hush", "a bot token", "belongs in FLYTE_SLACK_TOKEN"),
        ("FLYTE_SLACK_SIGNING_SECRET", "xoxb-hush", "a bot token", "belongs in FLYTE_SLACK_TOKEN"),
    ],
)
def test_a_token_in_the_wrong_variable_is_a_warning_that_does_not_show_it(
    variable: str, text: str, found: str, advice: str
) -> None:
    [(name, message)] = warnings(**{variable: text}).items()
    assert name == variable
    assert found in message
    assert advice in message
    assert "hush" not in message


def test_a_swapped_token_in_a_file_is_a_warning_too(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("xoxb-hush")
    assert list(warnings(FLYTE_SLACK_APP_TOKEN_FILE=str(tmp_path / "token"))) == ["FLYTE_SLACK_APP_TOKEN"]


@pytest.mark.parametrize("name", ["#ops", "ops", "release-2026", "général", "#OPS"])
def test_the_name_of_a_channel_is_a_warning_that_asks_for_its_id(name: str) -> None:
    [message] = warnings(FLYTE_SLACK_DEFAULT_JOIN_CHANNEL=f"C024BE91L,{name}").values()
    assert message.startswith(f"{name!r} is a channel's name; set the id, like C024BE91L")


@pytest.mark.parametrize("channel_id", ["C024BE91L", "1234", "G01", "D0AB"])
def test_the_id_of_a_channel_is_no_warning(channel_id: str) -> None:
    assert warnings(FLYTE_SLACK_DEFAULT_JOIN_CHANNEL=channel_id) == {}


def test_variables_that_kubernetes_sets_cause_no_warning() -> None:
    services = {
        "FLYTE_SERVICE_HOST": "10.0.0.1",
        "FLYTE_PORT": "tcp://10.0.0.1:8080",
        "FLYTE_API_PORT": "tcp://10.0.0.1:8080",
        "FLYTE_API_PORT_8080_TCP_PROTO": "tcp",
        "FLYTE_SLACK_DB_SERVICE_HOST": "10.0.0.1",
        "FLYTE_SLACK_HTTP_SERVICE_PORT_WEB": "8090",
        "FLYTE_SLACK_SERVICE_HOST": "10.0.0.1",
        "FLYTE_SLACK_SERVICE_PORT": "8090",
        "FLYTE_SLACK_SERVICE_PORT_HEALTH": "8090",
        "FLYTE_SLACK_PORT": "tcp://10.0.0.1:8090",
        "FLYTE_SLACK_PORT_8090_TCP": "tcp://10.0.0.1:8090",
        "FLYTE_SLACK_PORT_8090_TCP_ADDR": "10.0.0.1",
    }

    assert warnings(**services) == {}


def test_a_backup_directory_without_effect_is_a_warning() -> None:
    assert warnings(FLYTE_SLACK_STORAGE="memory:") == {
        "FLYTE_SLACK_BACKUP_DIR": "has no effect, because FLYTE_SLACK_STORAGE is set"
    }
