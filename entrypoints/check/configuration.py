"""What the environment says, as `run` reads it."""

from collections.abc import Iterator

from adapters.flyte.diagnostics import pack_id
from adapters.storage_urls import directory_of
from entrypoints.check.findings import Finding, Status, failed, ok
from entrypoints.config.settings import ReceiveMode, Settings, SettingsError

CONFIGURATION = "configuration"

_RECEIVES = {
    ReceiveMode.SOCKET_MODE: "Socket Mode (FLYTE_SLACK_APP_TOKEN is set)",
    ReceiveMode.HTTP: "signed HTTP requests (FLYTE_SLACK_SIGNING_SECRET is set)",
    ReceiveMode.RTM: "RTM (neither FLYTE_SLACK_APP_TOKEN nor FLYTE_SLACK_SIGNING_SECRET is set)",
}


def check_settings(settings: Settings) -> Iterator[Finding]:
    """What the configuration amounts to, and what is odd about it."""
    registered_as = pack_id(settings.pack_name, settings.flyte_labels)
    kept = directory_of(settings.storage_url.reveal()) or "memory"
    summary = f"the pack {registered_as} hears by {_RECEIVES[settings.receive_mode]} and keeps everything in {kept}"
    if settings.receive_mode is ReceiveMode.SOCKET_MODE and settings.slack_signing_secret:
        summary += "; FLYTE_SLACK_SIGNING_SECRET, which is set too, is of no use beside it"
    yield ok(CONFIGURATION, summary)
    for oddity in settings.warnings:
        yield Finding(CONFIGURATION, Status.WARNING, str(oddity))


def settings_failures(error: SettingsError) -> Iterator[Finding]:
    """Every mistake in the environment, in the words of `run`; each says what would be right."""
    return (failed(CONFIGURATION, str(mistake), "") for mistake in error.issues)
