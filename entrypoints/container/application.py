"""The application: every part of the pack, on top of any adapters."""

import os
import socket
from typing import Any

from dependency_injector import containers, providers

from application.catalog.commands import COMMANDS_BY_METHOD, COMMANDS_BY_NAME
from application.health import ChatHealth, HealthRegistry
from application.policies import LeasePolicy, PostingPolicy, RetentionPolicy
from application.ports.replicas import Replica
from application.resilience.chat_retry import ChatHealthPolicy, ChatRetryPolicy
from application.resilience.circuit_breaker import WorkflowCircuitBreaker
from application.resilience.inaccessible_channels import InaccessibleChannelPolicy
from application.resilience.interception import InterceptedStorage, intercepted
from application.resilience.shutdown import Shutdown
from application.resilience.storage_retry import StorageRetryPolicy
from application.services.backfill_progress import BackfillProgress
from application.services.channel_directory import ChannelDirectory
from application.services.channel_locks import ChannelLocks
from application.services.channel_turns import ChannelTurns
from application.services.command_execution import ExecutionTools
from application.services.command_runner import CommandRunner
from application.services.doubts import Doubts
from application.services.event_enricher import EventEnricher
from application.services.group_connection import GroupConnection
from application.services.history_reader import HistoryReader
from application.services.keyed_sender import KeyedSender
from application.services.membership_doubts import MembershipDoubts
from application.services.message_sender import MessageSender
from application.services.message_texts import MessageTexts
from application.services.pauses import Pauses
from application.services.poll_schedule import PollSchedule
from application.services.post_gate import PostGate
from application.services.replica_group import ReplicaGroup
from application.services.result_reporter import ResultReporter
from application.services.sole_process import SoleProcessLeases
from application.services.user_directory import UserDirectory
from application.services.work_log import WorkLog
from application.services.workspace_filter import WorkspaceFilter
from application.supervisor import Supervisor
from application.use_cases.broadcast import BroadcastHandler
from application.use_cases.chat_use_case import Services
from application.use_cases.dispatcher import CommandDispatcher, pack_definition
from application.use_cases.join_channel import JoinChannelHandler
from application.use_cases.leave_channel import LeaveChannelHandler
from application.use_cases.receive_events import ReceiveEvents
from application.use_cases.receive_interaction import ReceiveInteraction
from application.use_cases.send_message import SendMessageHandler
from application.use_cases.send_rich_message import SendRichMessageHandler
from application.workers.action_worker import ActionWorker
from application.workers.backfill import Backfill
from application.workers.backlog_monitor import BacklogMonitor
from application.workers.clock_monitor import ClockMonitor
from application.workers.housekeeping import Housekeeping
from application.workers.membership_sync import MembershipSync
from application.workers.message_consumer import MessageConsumer
from application.workers.outbox_relay import OutboxRelay
from domain import commands
from entrypoints.config.settings import Settings, digests
from entrypoints.container.adapters import watched
from entrypoints.version import VERSION

HEALTH_CHECKS = ("flyte", "slack", "storage", "outbox")
"""The names under which the parts of the pack report their health, in the order in which they are shown."""


def _process_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class Application(containers.DeclarativeContainer):
    """Every part of the pack, once, on top of the ports; the policies are applied to the ports here."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    adapters: Any = providers.DependenciesContainer()
    clock = adapters.clock

    # Shared by all parts

    shutdown = providers.Singleton(Shutdown)
    health = providers.Singleton(HealthRegistry, checks=HEALTH_CHECKS)
    chat_health = providers.Singleton(ChatHealth, health=health.provided.reporter.call("slack"))
    storage_retry = providers.Singleton(
        StorageRetryPolicy,
        shutdown=shutdown,
        health=health.provided.reporter.call("storage"),
        telemetry=adapters.telemetry,
    )
    # The ports, with their policies around them

    storage = providers.Singleton(
        watched,
        adapters.tracing.provided.storage,
        providers.Singleton(InterceptedStorage, adapters.storage, storage_retry),
    )
    lease = providers.Factory(LeasePolicy, seconds=settings.provided.lease_seconds)
    version = providers.Object(VERSION)
    known_commands = providers.Object(frozenset(COMMANDS_BY_NAME))
    replicas = providers.Singleton(
        ReplicaGroup,
        storage=storage,
        replica=providers.Singleton(
            Replica,
            name=providers.Callable(_process_name),
            version=version,
            settings=providers.Callable(digests, settings),
            commands=known_commands,
        ),
        definition=providers.Callable(
            pack_definition,
            name=settings.provided.pack_name,
            labels=settings.provided.flyte_labels,
            switched_on=settings.provided.optional_events,
        ),
        health=health.provided.reporter.call("storage"),
        shutdown=shutdown,
        lease=lease,
    )
    circuit_breaker = providers.Singleton(
        WorkflowCircuitBreaker,
        workflow=adapters.workflow,
        definition=replicas.provided.definition,
        shutdown=shutdown,
        health=health.provided.reporter.call("flyte"),
    )
    workflow = providers.Singleton(intercepted, adapters.workflow, circuit_breaker)
    channel_locks = providers.Singleton(ChannelLocks, leases=storage.provided.leases, shutdown=shutdown)
    work_locks = providers.Singleton(
        ChannelLocks,
        leases=storage.provided.leases,
        shutdown=shutdown,
        max_retry_seconds=lease.provided.poll_seconds,
    )
    """For the work of which one replica at a time does all."""
    post_gate = providers.Singleton(PostGate, shutdown=shutdown)
    pauses = providers.Singleton(
        Pauses,
        chat=adapters.chat,
        storage=storage,
        channel_locks=channel_locks,
        gate=post_gate,
        health=health.provided.reporter.call("slack"),
        shutdown=shutdown,
    )
    membership_doubts = providers.Singleton(MembershipDoubts)
    watched_chat = providers.Singleton(
        intercepted, adapters.chat, providers.Singleton(ChatHealthPolicy, health=chat_health)
    )
    inaccessible_channels = providers.Singleton(InaccessibleChannelPolicy, recheck=membership_doubts.provided.recheck)
    impatient_chat = providers.Singleton(intercepted, watched_chat, inaccessible_channels)
    """For callers that repeat all requests themselves."""
    retried_chat = providers.Singleton(
        intercepted,
        watched_chat,
        providers.Singleton(
            ChatRetryPolicy, shutdown=shutdown, pauses=pauses, give_up_seconds=settings.provided.give_up_seconds
        ),
    )
    chat = providers.Singleton(intercepted, retried_chat, inaccessible_channels)

    # From the workflow engine to the chat service

    poll_schedule = providers.Singleton(PollSchedule)
    work_log = providers.Singleton(WorkLog, clock=clock, chat_health=chat_health)
    backfill_progress = providers.Singleton(BackfillProgress, shutdown=shutdown)
    posting_policy = providers.Factory(
        PostingPolicy,
        messages_per_second=settings.provided.messages_per_second,
        message_burst=settings.provided.message_burst,
        give_up_seconds=settings.provided.give_up_seconds,
        when_in_doubt=settings.provided.when_in_doubt,
    )
    channel_turns = providers.Singleton(
        ChannelTurns, chat=chat, storage=storage, channel_locks=channel_locks, policy=posting_policy
    )
    doubts = providers.Singleton(
        Doubts, chat=chat, shutdown=shutdown, policy=posting_policy, telemetry=adapters.telemetry
    )
    message_sender = providers.Singleton(
        MessageSender,
        chat=chat,
        storage=storage,
        turns=channel_turns,
        clock=clock,
        shutdown=shutdown,
        policy=posting_policy,
        pauses=pauses,
        gate=post_gate,
        doubts=doubts,
    )
    channel_directory = providers.Singleton(ChannelDirectory, chat=chat)
    keyed_sender = providers.Singleton(
        KeyedSender,
        chat=impatient_chat,
        storage=storage,
        sender=message_sender,
        channels=channel_directory,
        pauses=pauses,
        shutdown=shutdown,
        key_age_seconds=settings.provided.key_age_seconds,
    )
    command_runner = providers.Singleton(
        CommandRunner,
        tools=providers.Singleton(
            ExecutionTools,
            chat=impatient_chat,
            services=providers.Singleton(
                Services,
                sender=message_sender,
                channels=channel_directory,
                message_keys=storage.provided.message_keys,
                direct_locks=providers.Singleton(
                    ChannelLocks, leases=providers.Singleton(SoleProcessLeases), shutdown=shutdown
                ),
                allowed_methods=settings.provided.allowed_methods,
                commands_by_method=providers.Object(COMMANDS_BY_METHOD),
            ),
            journal=storage.provided.journal,
            leases=storage.provided.leases,
            turns=channel_turns,
            doubts=doubts,
            pauses=pauses,
            shutdown=shutdown,
        ),
    )
    join_channel = providers.Singleton(JoinChannelHandler, chat=chat, storage=storage, channel_locks=channel_locks)
    dispatcher = providers.Singleton(
        CommandDispatcher,
        handlers=providers.Dict(
            {
                commands.SendMessage: providers.Singleton(SendMessageHandler, sender=keyed_sender),
                commands.SendRichMessage: providers.Singleton(SendRichMessageHandler, sender=keyed_sender),
                commands.Broadcast: providers.Singleton(
                    BroadcastHandler, chat=chat, sender=message_sender, storage=storage
                ),
                commands.ChatCommand: command_runner,
                commands.JoinChannel: join_channel,
                commands.LeaveChannel: providers.Singleton(
                    LeaveChannelHandler,
                    chat=chat,
                    storage=storage,
                    channel_locks=channel_locks,
                    backfill=backfill_progress,
                    membership_doubts=membership_doubts,
                ),
            }
        ),
    )
    action_worker = providers.Singleton(
        ActionWorker,
        workflow=workflow,
        until_registered=circuit_breaker.provided.wait_until_registered,
        chat=chat,
        storage=storage,
        dispatcher=providers.Singleton(watched, adapters.tracing.provided.dispatcher, dispatcher),
        reporter=providers.Singleton(
            watched,
            adapters.tracing.provided.reporter,
            providers.Singleton(
                ResultReporter, workflow=workflow, storage=storage, shutdown=shutdown, telemetry=adapters.telemetry
            ),
        ),
        schedule=poll_schedule,
        channel_locks=channel_locks,
        replicas=replicas,
        work_log=work_log,
        shutdown=shutdown,
        storage_retry=storage_retry,
        lease=lease,
        journal_limit=settings.provided.journal_limit,
    )

    # From the chat service to the workflow engine

    outbox_relay = providers.Singleton(
        OutboxRelay,
        workflow=workflow,
        storage=storage,
        enricher=providers.Singleton(
            watched,
            adapters.tracing.provided.enricher,
            providers.Singleton(
                EventEnricher,
                users=providers.Singleton(UserDirectory, chat=chat, shutdown=shutdown),
                texts=providers.Singleton(MessageTexts, chat=chat),
                storage=storage,
                receives_bots=settings.provided.receives_bots,
            ),
        ),
        schedule=poll_schedule,
        work_log=work_log,
        shutdown=shutdown,
        lease=lease,
        telemetry=adapters.telemetry,
    )
    workspaces = providers.Singleton(WorkspaceFilter, storage=storage, doubts=membership_doubts)
    receive_events = providers.Singleton(
        ReceiveEvents,
        chat=chat,
        storage=storage,
        doubts=membership_doubts,
        workspaces=workspaces,
        replicas=replicas,
        work_log=work_log,
        telemetry=adapters.telemetry,
        listen=settings.provided.listen,
        receives_bots=settings.provided.receives_bots,
        receives_edits=settings.provided.receives_edits,
    )
    history_reader = providers.Singleton(HistoryReader, chat=chat, pauses=pauses, shutdown=shutdown)
    message_consumer = providers.Singleton(
        MessageConsumer,
        receiver=adapters.receiver,
        receive_events=receive_events,
        receive_interaction=providers.Singleton(
            ReceiveInteraction,
            storage=storage,
            workspaces=workspaces,
            work_log=work_log,
            clock=clock,
            telemetry=adapters.telemetry,
        ),
        backfill=providers.Singleton(
            Backfill,
            chat=chat,
            storage=storage,
            reader=history_reader,
            receive_events=receive_events,
            progress=backfill_progress,
            replicas=replicas,
            work_locks=work_locks,
            lease=lease,
            health=health.provided.reporter.call("slack"),
            clock=clock,
            shutdown=shutdown,
            look_back_seconds=settings.provided.catch_up_seconds,
            listen=settings.provided.listen,
        ),
        group_connection=providers.Singleton(
            GroupConnection, chat=chat, storage=storage, replicas=replicas, shutdown=shutdown
        ),
        health=chat_health,
        clock=clock,
        shutdown=shutdown,
    )

    # The whole

    supervisor = providers.Singleton(
        Supervisor,
        chat=chat,
        storage=storage,
        consumer=message_consumer,
        relay=outbox_relay,
        worker=action_worker,
        membership_sync=providers.Singleton(
            MembershipSync,
            chat=chat,
            storage=storage,
            doubts=membership_doubts,
            channel_locks=channel_locks,
            work_locks=work_locks,
            join_channel=join_channel,
            health=chat_health,
            shutdown=shutdown,
            default_channels=settings.provided.default_join_channels,
        ),
        backlog_monitor=providers.Singleton(
            BacklogMonitor,
            storage=storage,
            health=health.provided.reporter.call("outbox"),
            work_log=work_log,
            shutdown=shutdown,
        ),
        clock_monitor=providers.Singleton(
            ClockMonitor,
            clock=clock,
            chat=adapters.chat,
            workflow=adapters.workflow,
            chat_health=health.provided.reporter.call("slack"),
            workflow_health=health.provided.reporter.call("flyte"),
            shutdown=shutdown,
        ),
        pauses=pauses,
        replicas=replicas,
        channel_locks=channel_locks,
        work_locks=work_locks,
        circuit_breaker=circuit_breaker,
        chat_health=chat_health,
        shutdown=shutdown,
        lease=lease,
        housekeeping=providers.Singleton(
            Housekeeping,
            chat=chat,
            storage=storage,
            retention=providers.Singleton(
                RetentionPolicy,
                event_seconds=settings.provided.event_age_seconds,
                action_seconds=settings.provided.action_age_seconds,
                key_seconds=settings.provided.key_age_seconds,
                set_aside_seconds=settings.provided.set_aside_age_seconds,
            ),
            shutdown=shutdown,
        ),
    )
