"""Checks the configuration, as `run` reads it."""

from collections.abc import Iterator

from adapters.flyte.diagnostics import pack_id
from application.ports.storage import StorageDescription
from entrypoints.check.findings import Finding, Status, failed, ok
from entrypoints.config.issues import SettingsError
from entrypoints.config.settings import ReceiveMode, Settings

CONFIGURATION = "configuration"

_RECEIVES_THROUGH = {
    ReceiveMode.SOCKET_MODE: "Socket Mode (FLYTE_SLACK_APP_TOKEN is set)",
    ReceiveMode.HTTP: "signed HTTP requests (FLYTE_SLACK_SIGNING_SECRET is set)",
    ReceiveMode.RTM: "RTM (neither FLYTE_SLACK_APP_TOKEN nor FLYTE_SLACK_SIGNING_SECRET is set)",
}


def check_settings(settings: Settings, storage: StorageDescription) -> Iterator[Finding]:
    """Yields a summary of the configuration, and a warning for each suspicious setting."""
    name = pack_id(settings.pack_name, settings.flyte_labels)
    transport = _RECEIVES_THROUGH[settings.receive_mode]
    summary = f"pack {name}: receives through {transport}, stores its data in {storage.location}"
    if settings.receive_mode is ReceiveMode.SOCKET_MODE and settings.slack_signing_secret:
        summary += "; FLYTE_SLACK_SIGNING_SECRET is set but not used"
    yield ok(CONFIGURATION, summary)
    for issue in settings.warnings:
        yield Finding(CONFIGURATION, Status.WARNING, str(issue))


def settings_failures(error: SettingsError) -> Iterator[Finding]:
    """Returns one finding per invalid setting, with the messages of `run`."""
    return (failed(CONFIGURATION, str(issue), "", ends_start=True) for issue in error.issues)
