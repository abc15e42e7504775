"""The adapters that the settings ask for."""

from collections.abc import Callable
from typing import Any, TypeVar

from dependency_injector import containers, providers

from adapters.flyte.workflow import FlyteWorkflow
from adapters.no_telemetry import NO_TELEMETRY
from adapters.slack.chat import SlackChat
from adapters.slack.events import EventSelection
from adapters.slack.events_api import SlackEventsApi
from adapters.slack.sockets.rtm import SlackRtm
from adapters.slack.sockets.socket_mode import SlackSocketMode
from adapters.slack.web_client import SlackWebClient
from adapters.storage_urls import create_storage
from adapters.system_clock import SystemClock
from entrypoints.config.settings import Settings
from entrypoints.container.instruments import new_instruments
from entrypoints.container.recording import new_recording
from entrypoints.container.tracing import NoTracing, new_tracing

P = TypeVar("P")


def _reveal(secret: Any) -> str:
    return secret.reveal() if secret else ""


def receive_mode(settings: Settings) -> str:
    """Returns the name of the receive mode: the key of the selectors below."""
    return settings.receive_mode.name


def event_selection(settings: Settings) -> EventSelection:
    """Returns the optional events that the settings ask for."""
    return EventSelection(edits=settings.receives_edits, other_types=frozenset(settings.other_events))


def watched(watch: Callable[[P], P], port: P) -> P:
    """Returns the port as wrapped by `watch`."""
    return watch(port)


class Adapters(containers.DeclarativeContainer):
    """The adapters that the settings ask for. Any provider can be overridden with another adapter.

    Constructors only store. What has a lifetime is opened and closed by `lifetimes`.
    """

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    clock = providers.Singleton(SystemClock)
    instruments = providers.Singleton(new_instruments, settings=settings, clock=clock)
    telemetry = instruments.provided.telemetry
    tracing = providers.Singleton(new_tracing, settings=settings, clock=clock)
    recording = providers.Singleton(new_recording, settings=settings, clock=clock)
    storage = providers.Singleton(
        watched,
        instruments.provided.storage,
        providers.Singleton(
            create_storage,
            url=providers.Callable(_reveal, settings.provided.storage_url),
            clock=clock,
            lease_seconds=settings.provided.lease_seconds,
        ),
    )
    slack_client = providers.Singleton(
        SlackWebClient,
        api_url=settings.provided.slack_api_url,
        token=providers.Callable(_reveal, settings.provided.slack_token),
        clock=clock,
    )
    slack_web = providers.Singleton(
        watched,
        tracing.provided.slack_client,
        providers.Singleton(watched, instruments.provided.slack_client, slack_client),
    )
    slack_chat = providers.Singleton(SlackChat, web=slack_web)
    chat = providers.Singleton(watched, recording.provided.port, slack_chat)
    event_selection = providers.Factory(event_selection, settings)
    slack_receiver = providers.Selector(
        providers.Callable(receive_mode, settings),
        SOCKET_MODE=providers.Singleton(
            SlackSocketMode,
            web=slack_web,
            app_token=providers.Callable(_reveal, settings.provided.slack_app_token),
            identify=chat.provided.identify,
            clock=clock,
            pauses=storage.provided.rate_limiter,
            selection=event_selection,
            command_reply=settings.provided.command_reply,
            telemetry=telemetry,
        ),
        HTTP=providers.Singleton(
            SlackEventsApi,
            signing_secret=providers.Callable(_reveal, settings.provided.slack_signing_secret),
            identify=chat.provided.identify,
            clock=clock,
            slack_now=slack_web.provided.now,
            selection=event_selection,
            command_reply=settings.provided.command_reply,
        ),
        RTM=providers.Singleton(
            SlackRtm, web=slack_web, clock=clock, pauses=storage.provided.rate_limiter, telemetry=telemetry
        ),
    )
    receiver = providers.Singleton(
        watched,
        recording.provided.receiver,
        providers.Singleton(watched, instruments.provided.receiver, slack_receiver),
    )
    flyte_workflow = providers.Singleton(
        FlyteWorkflow,
        api_url=settings.provided.flyte_api,
        jwt=providers.Callable(_reveal, settings.provided.flyte_jwt),
        timeout_seconds=settings.provided.flyte_api_timeout_seconds,
        reads_trace_parent=settings.provided.trace_payload,
        clock=clock,
        watch_client=instruments.provided.flyte_client,
    )
    workflow = providers.Singleton(
        watched,
        recording.provided.port,
        providers.Singleton(
            watched,
            tracing.provided.workflow,
            providers.Singleton(watched, instruments.provided.workflow, flyte_workflow),
        ),
    )


class FixedAdapters(containers.DeclarativeContainer):
    """Adapters that exist already, such as those of a test."""

    clock: providers.Dependency[Any] = providers.Dependency()
    storage: providers.Dependency[Any] = providers.Dependency()
    chat: providers.Dependency[Any] = providers.Dependency()
    receiver: providers.Dependency[Any] = providers.Dependency()
    workflow: providers.Dependency[Any] = providers.Dependency()
    telemetry = providers.Object(NO_TELEMETRY)
    tracing = providers.Object(NoTracing())
