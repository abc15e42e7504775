"""What the environment must not say, and what the operator is told."""

from pathlib import Path

import pytest

from entrypoints.config.settings import SettingsError, load_settings

REQUIRED = {"FLYTE_API": "http://localhost:8080", "FLYTE_SLACK_TOKEN": "token_abc"}


def mistakes(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return {mistake.variable: mistake.message for mistake in caught.value.issues}


def warnings(**more: str) -> dict[str, str]:
    settings = load_settings({**REQUIRED, "FLYTE_SLACK_BACKUP_DIR": "/var/lib/flyte-slack", **more})
    return {warning.variable: warning.message for warning in settings.warnings}


def test_what_is_required_is_asked_for_by_name() -> None:
    assert mistakes({}) == {
        "FLYTE_API": "it is required: set it to the base URL of the Flyte API, like http://localhost:8080",
        "FLYTE_SLACK_TOKEN": (
            "it is required: set it to the bot token, or FLYTE_SLACK_TOKEN_FILE to a file that holds it"
        ),
    }


def test_all_mistakes_are_reported_at_once_a_line_for_each() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({"FLYTE_API": "localhost", "FLYTE_SLACK_RECEIVE_BOTS": "maybe", "LOGLEVEL": "loud"})

    assert str(caught.value).splitlines() == [
        "FLYTE_API: give a URL that begins with http:// or https:// and a host, like http://localhost:8080",
        "FLYTE_SLACK_TOKEN: it is required: set it to the bot token, or FLYTE_SLACK_TOKEN_FILE to a file that holds it",
        "FLYTE_SLACK_RECEIVE_BOTS: give true or false; 'maybe' is neither",
        "LOGLEVEL: give debug, info, warning or error; 'loud' is none of them",
    ]


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("FLYTE_API", "ftp://flyte", "give a URL that begins with http:// or https:// and a host"),
        ("FLYTE_API", "http://", "give a URL that begins with http:// or https:// and a host"),
        ("FLYTE_API", "http://flyte:port", "give a URL, like http://localhost:8080"),
        ("FLYTE_API", "http://[::1", "give a URL, like http://localhost:8080"),
        ("FLYTE_API", "http://fly te", "give a URL without spaces"),
        ("FLYTE_API", "http://flyte?x=1", "give a URL without ? and #"),
        ("FLYTE_API", "http://flyte#here", "give a URL without ? and #"),
        ("FLYTE_API", "http://me:hush@flyte", "give a URL without user name and password"),
        ("FLYTE_SLACK_API_URL", "slack.com", "give a URL that begins with http:// or https:// and a host"),
        ("FLYTE_API_TIMEOUT", "0", "give a number from 0.1 to 600; '0' is not"),
        ("FLYTE_API_TIMEOUT", "nan", "give a number from 0.1 to 600; 'nan' is not"),
        ("FLYTE_API_TIMEOUT", "inf", "give a number from 0.1 to 600; 'inf' is not"),
        ("FLYTE_API_TIMEOUT", "10s", "give a number from 0.1 to 600; '10s' is not"),
        ("FLYTE_API_TIMEOUT", "1_0", "give a number from 0.1 to 600; '1_0' is not"),
        ("FLYTE_SLACK_MESSAGES_PER_SECOND", "0", "give a number from 0.001 to 1000000; '0' is not"),
        ("FLYTE_SLACK_MESSAGES_PER_SECOND", "-1", "give a number from 0.001 to 1000000; '-1' is not"),
        ("FLYTE_SLACK_MESSAGE_BURST", "0", "give a whole number from 1 to 1000000; '0' is not"),
        ("FLYTE_SLACK_MESSAGE_BURST", "2.5", "give a whole number from 1 to 1000000; '2.5' is not"),
        ("FLYTE_SLACK_GIVE_UP", "-1", "give a number from 0 to 604800; '-1' is not"),
        ("FLYTE_SLACK_CATCH_UP", "172801", "give a number from 0 to 172800; '172801' is not"),
        ("FLYTE_SLACK_JOURNAL_LIMIT", "0", "give a whole number from 1 to 1000000; '0' is not"),
        ("FLYTE_SLACK_HTTP_PORT", "65536", "give a whole number from 0 to 65535; '65536' is not"),
        ("FLYTE_SLACK_HTTP_PORT", "\u0661", "give a whole number from 0 to 65535; '\u0661' is not"),
        ("FLYTE_SLACK_HTTP_PORT", "tcp://10.0.0.1:80", "looks like what Kubernetes sets for a service of that name"),
        ("FLYTE_SLACK_RECORD", "/", "give a file, not a folder; '/' is one"),
        ("FLYTE_SLACK_HTTP_HOST", "http://0.0.0.0", "give a host name or address without scheme and port"),
        ("FLYTE_SLACK_LISTEN", "everywhere", "give joined or member; 'everywhere' is neither"),
        ("FLYTE_SLACK_IN_DOUBT", "retry", "give fail or resend; 'retry' is neither"),
        ("FLYTE_LABELS", "env", "'env' is not key=value"),
        ("FLYTE_LABELS", "env=", "'env=' is not key=value"),
        ("FLYTE_LABELS", "=dev", "'=dev' is not key=value"),
        ("FLYTE_LABELS", "env=dev,", "'' is not key=value"),
        ("FLYTE_LABELS", "env=dev,env=prod", "give each label once; 'env' is there twice"),
        (
            "FLYTE_SLACK_STORAGE",
            "postgresql://me:hush@db/x",
            "postgresql: is not served yet; use file:///directory or memory:",
        ),
        ("FLYTE_SLACK_STORAGE", "redis://hush@db", "redis: is not served yet; use file:///directory or memory:"),
        ("FLYTE_SLACK_STORAGE", "s3://hush", "use file:///directory or memory:"),
        ("FLYTE_SLACK_STORAGE", "/var/hush", "use file:///directory or memory:"),
        ("FLYTE_SLACK_STORAGE", "memory:hush", "memory: takes nothing after the colon"),
        ("FLYTE_SLACK_STORAGE", "file://hush", "file: needs three slashes and an absolute directory"),
        ("FLYTE_SLACK_STORAGE", "file:///var/x?hush=1", "file: takes no parameters"),
        ("FLYTE_SLACK_TOKEN", "hush\r\nhush", "give a text without line breaks, other control characters"),
        ("FLYTE_SLACK_TOKEN", "hush\udcff", "give a text without line breaks, other control characters"),
        ("PACK_NAME", "Sl\x1back", "give a text without line breaks, other control characters"),
    ],
)
def test_a_mistake_says_what_would_be_right(variable: str, text: str, message: str) -> None:
    found = mistakes({**REQUIRED, variable: text})

    assert list(found) == [variable]
    assert message in found[variable]
    assert "hush" not in found[variable]


def test_a_long_value_is_shown_in_part() -> None:
    assert len(mistakes({**REQUIRED, "LOGLEVEL": "x" * 10_000})["LOGLEVEL"]) < 150


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
class TestASecretInAFile:
    def test_is_read_from_there_without_its_last_line_break(self, variable: str, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("file:///from/a/file\n")
        environ = {name: text for name, text in REQUIRED.items() if name != variable}

        settings = load_settings({**environ, f"{variable}_FILE": str(file)})

        revealed = [settings.flyte_jwt, settings.slack_token, settings.slack_app_token]
        revealed += [settings.slack_signing_secret, settings.storage]
        assert [secret.reveal() for secret in revealed if secret].count("file:///from/a/file") == 1

    def test_is_a_mistake_when_it_is_set_directly_too(self, variable: str, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("hush")

        found = mistakes({**REQUIRED, variable: "hush", f"{variable}_FILE": str(file)})

        assert found == {variable: f"set this or {variable}_FILE, not both"}

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
    def test_is_a_mistake_when_it_is_not_one(
        self, variable: str, content: bytes | None, problem: str, tmp_path: Path
    ) -> None:
        file = tmp_path / "secret"
        if content is not None:
            file.write_bytes(content)
        environ = {name: text for name, text in REQUIRED.items() if name != variable}

        found = mistakes({**environ, f"{variable}_FILE": str(file)})

        assert found == {variable: f"{variable}_FILE names a file that {problem} ({file})"}

    def test_is_a_mistake_when_it_has_several_lines(self, variable: str, tmp_path: Path) -> None:
        file = tmp_path / "secret"
        file.write_text("hush\nhush\n")
        environ = {name: text for name, text in REQUIRED.items() if name != variable}

        message = mistakes({**environ, f"{variable}_FILE": str(file)})[variable]

        assert "without line breaks" in message
        assert "hush" not in message


def test_a_folder_in_a_secrets_place_is_a_mistake(tmp_path: Path) -> None:
    found = mistakes({**REQUIRED, "FLYTE_JWT_FILE": str(tmp_path)})

    assert found == {"FLYTE_JWT": f"FLYTE_JWT_FILE names a file that can't be read: Is a directory ({tmp_path})"}


def test_an_unknown_variable_is_a_warning_with_the_name_that_was_meant() -> None:
    assert warnings(FLYTE_SLACK_TOKN="x", FLYTE_SLACK_DEFAULT_JOIN_CHANNELS="C1", FLYTE_SLACK_UNICORNS="red") == {
        "FLYTE_SLACK_TOKN": "there is no such variable; did you mean FLYTE_SLACK_TOKEN?",
        "FLYTE_SLACK_DEFAULT_JOIN_CHANNELS": (
            "there is no such variable; did you mean FLYTE_SLACK_DEFAULT_JOIN_CHANNEL?"
        ),
        "FLYTE_SLACK_UNICORNS": "there is no such variable",
    }


def test_what_kubernetes_sets_for_a_service_of_that_name_is_no_cause_for_a_warning() -> None:
    services = {
        "FLYTE_SLACK_SERVICE_HOST": "10.0.0.1",
        "FLYTE_SLACK_SERVICE_PORT": "8090",
        "FLYTE_SLACK_SERVICE_PORT_HEALTH": "8090",
        "FLYTE_SLACK_PORT": "tcp://10.0.0.1:8090",
        "FLYTE_SLACK_PORT_8090_TCP": "tcp://10.0.0.1:8090",
        "FLYTE_SLACK_PORT_8090_TCP_ADDR": "10.0.0.1",
    }

    assert warnings(**services) == {}


def test_a_backup_folder_that_the_storage_overrules_is_a_warning() -> None:
    assert warnings(FLYTE_SLACK_STORAGE="memory:") == {
        "FLYTE_SLACK_BACKUP_DIR": "it is not used, since FLYTE_SLACK_STORAGE is set"
    }
