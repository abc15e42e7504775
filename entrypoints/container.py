"""The composition root: which adapter stands behind each port, and what each part of the pack is given."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from dependency_injector import containers, providers

from adapters.flyte.workflow import FlyteWorkflow
from adapters.recording.chat import RecordedChat
from adapters.recording.receiver import RecordedReceiver
from adapters.recording.recorder import Record
from adapters.recording.workflow import RecordedWorkflow
from adapters.slack.chat import SlackChat
from adapters.slack.events_api import SlackEventsApi
from adapters.slack.sockets.rtm import SlackRtm
from adapters.slack.sockets.socket_mode import SlackSocketMode
from adapters.slack.web_client import SlackWebClient
from adapters.storage_urls import create_storage
from adapters.system_clock import SystemClock
from application.health import ChatHealth, HealthRegistry
from application.policies import PostingPolicy
from application.resilience.chat_retry import ChatLine
from application.resilience.circuit_breaker import EngineLine
from application.resilience.shutdown import Shutdown
from application.resilience.storage_retry import Safekeeping
from application.services.channel_locks import ChannelLocks
from application.services.message_sender import MessageSender
from application.services.poll_schedule import PollSchedule
from application.services.result_reporter import ResultReporter
from application.services.user_directory import UserDirectory
from application.supervisor import Supervisor
from application.use_cases.broadcast import Broadcast
from application.use_cases.dispatcher import CommandDispatcher, pack_definition
from application.use_cases.join_channel import JoinChannel
from application.use_cases.leave_channel import LeaveChannel
from application.use_cases.receive_message import ReceiveMessage
from application.use_cases.send_message import SendMessage
from application.use_cases.send_rich_message import SendRichMessage
from application.workers.action_worker import ActionWorker
from application.workers.backfill import Backfill
from application.workers.backlog_monitor import BacklogMonitor
from application.workers.membership_sync import MembershipSync
from application.workers.message_consumer import MessageConsumer
from application.workers.outbox_relay import OutboxRelay
from entrypoints.config.settings import Settings
from entrypoints.http import HttpServer
from entrypoints.observability.redaction import Redactor


def _revealed(secret: Any) -> str:
    return secret.reveal() if secret else ""


def _receiving(settings: Settings) -> str:
    return settings.receive_mode.name


def _recording(settings: Settings) -> str:
    return "ON" if settings.record else "OFF"


class Container(containers.DeclarativeContainer):
    """Every object of the pack, once. `settings` is given; any provider can be overridden with another adapter.

    Constructors only store. What has a lifetime is opened and closed by whoever runs the pack (`lifetimes`).
    """

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)

    # Adapters

    clock = providers.Singleton(SystemClock)
    storage = providers.Singleton(create_storage, url=providers.Callable(_revealed, settings.provided.storage_url))
    slack_web = providers.Singleton(
        SlackWebClient,
        api_url=settings.provided.slack_api_url,
        token=providers.Callable(_revealed, settings.provided.slack_token),
    )
    record = providers.Singleton(
        Record,
        path=settings.provided.record,
        redact=providers.Singleton(Redactor, secrets=settings.provided.secret_texts, hides_emails=True).provided.redact,
        clock=clock,
    )
    slack_chat = providers.Singleton(SlackChat, web=slack_web)
    chat = providers.Selector(
        providers.Callable(_recording, settings),
        OFF=slack_chat,
        ON=providers.Singleton(RecordedChat, chat=slack_chat, record=record),
    )
    slack_receiver = providers.Selector(
        providers.Callable(_receiving, settings),
        SOCKET_MODE=providers.Singleton(
            SlackSocketMode,
            web=slack_web,
            app_token=providers.Callable(_revealed, settings.provided.slack_app_token),
            identify=chat.provided.identify,
            clock=clock,
        ),
        HTTP=providers.Singleton(
            SlackEventsApi,
            signing_secret=providers.Callable(_revealed, settings.provided.slack_signing_secret),
            identify=chat.provided.identify,
            clock=clock,
        ),
        RTM=providers.Singleton(SlackRtm, web=slack_web, clock=clock),
    )
    receiver = providers.Selector(
        providers.Callable(_recording, settings),
        OFF=slack_receiver,
        ON=providers.Singleton(RecordedReceiver, receiver=slack_receiver, record=record),
    )
    flyte_workflow = providers.Singleton(
        FlyteWorkflow,
        api_url=settings.provided.flyte_api,
        jwt=providers.Callable(_revealed, settings.provided.flyte_jwt),
        timeout_seconds=settings.provided.flyte_api_timeout_seconds,
    )
    workflow = providers.Selector(
        providers.Callable(_recording, settings),
        OFF=flyte_workflow,
        ON=providers.Singleton(RecordedWorkflow, workflow=flyte_workflow, record=record),
    )

    # What all parts lean on

    stop = providers.Singleton(Shutdown, clock=clock)
    health = providers.Singleton(HealthRegistry)
    chat_health = providers.Singleton(ChatHealth, health=health)
    keep = providers.Singleton(Safekeeping, stop=stop, health=health)
    chat_line = providers.Singleton(
        ChatLine, clock=clock, stop=stop, health=chat_health, give_up_seconds=settings.provided.give_up_seconds
    )
    engine_line = providers.Singleton(
        EngineLine,
        workflow=workflow,
        offer=providers.Callable(
            pack_definition, name=settings.provided.pack_name, labels=settings.provided.flyte_labels
        ),
        stop=stop,
        health=health,
    )
    lanes = providers.Singleton(ChannelLocks)
    polling = providers.Singleton(PollSchedule, clock=clock)

    # What was missed

    receive_message = providers.Singleton(
        ReceiveMessage,
        storage=storage,
        keep=keep,
        listen=settings.provided.listen,
        receives_bots=settings.provided.receives_bots,
    )
    catch_up = providers.Singleton(
        Backfill,
        chat=chat,
        storage=storage,
        receive_message=receive_message,
        clock=clock,
        stop=stop,
        line=chat_line,
        keep=keep,
        look_back_seconds=settings.provided.catch_up_seconds,
        listen=settings.provided.listen,
    )

    # From Flyte to Slack

    posting = providers.Singleton(
        MessageSender,
        chat=chat,
        storage=storage,
        lanes=lanes,
        clock=clock,
        stop=stop,
        line=chat_line,
        keep=keep,
        policy=providers.Factory(
            PostingPolicy,
            messages_per_second=settings.provided.messages_per_second,
            message_burst=settings.provided.message_burst,
            give_up_seconds=settings.provided.give_up_seconds,
            when_in_doubt=settings.provided.when_in_doubt,
        ),
    )
    join_channel = providers.Singleton(
        JoinChannel, chat=chat, storage=storage, lanes=lanes, clock=clock, line=chat_line, keep=keep
    )
    pack = providers.Singleton(
        CommandDispatcher,
        send_message=providers.Singleton(SendMessage, posting=posting),
        send_rich_message=providers.Singleton(SendRichMessage, posting=posting),
        broadcast=providers.Singleton(Broadcast, posting=posting, storage=storage, keep=keep),
        join_channel=join_channel,
        leave_channel=providers.Singleton(
            LeaveChannel,
            chat=chat,
            storage=storage,
            lanes=lanes,
            line=chat_line,
            keep=keep,
            catch_up=catch_up,
        ),
    )
    worker = providers.Singleton(
        ActionWorker,
        workflow=workflow,
        storage=storage,
        pack=pack,
        answering=providers.Singleton(
            ResultReporter, workflow=workflow, storage=storage, stop=stop, line=engine_line, keep=keep
        ),
        polling=polling,
        clock=clock,
        stop=stop,
        line=engine_line,
        keep=keep,
        journal_limit=settings.provided.journal_limit,
    )

    # From Slack to Flyte

    relay = providers.Singleton(
        OutboxRelay,
        workflow=workflow,
        storage=storage,
        users=providers.Singleton(UserDirectory, chat=chat, clock=clock, line=chat_line),
        polling=polling,
        clock=clock,
        stop=stop,
        line=engine_line,
        keep=keep,
    )
    hearing = providers.Singleton(
        MessageConsumer,
        receiver=receiver,
        receive_message=receive_message,
        catch_up=catch_up,
        relay=relay,
        health=chat_health,
        clock=clock,
        stop=stop,
    )

    # The whole

    membership = providers.Singleton(
        MembershipSync,
        chat=chat,
        storage=storage,
        join_channel=join_channel,
        clock=clock,
        line=chat_line,
        keep=keep,
        default_channels=settings.provided.default_join_channels,
    )
    service = providers.Singleton(
        Supervisor,
        chat=chat,
        storage=storage,
        hearing=hearing,
        relay=relay,
        worker=worker,
        membership=membership,
        gauge=providers.Singleton(BacklogMonitor, storage=storage, health=health, clock=clock, stop=stop, keep=keep),
        engine=engine_line,
        line=chat_line,
        chat_health=chat_health,
        keep=keep,
        clock=clock,
        stop=stop,
    )
    http_server = providers.Singleton(
        HttpServer,
        health=health,
        host=settings.provided.http_host,
        port=settings.provided.http_port,
        slack_handler=providers.Selector(
            providers.Callable(_receiving, settings),
            SOCKET_MODE=providers.Object(None),
            HTTP=slack_receiver.provided.handle_request,
            RTM=providers.Object(None),
        ),
    )


def lifetimes(container: Container) -> Iterator[AbstractAsyncContextManager[object]]:
    """What is to be entered before the pack runs, in this order; left in the opposite one.

    Slack's signed requests can come as soon as the pack hears, so the port is open by then.
    """
    if container.settings().record:
        yield container.record().open()
    yield container.storage().open()
    for adapter in (container.slack_web(), container.flyte_workflow()):
        yield adapter.open()
    yield container.http_server().open()
