"""The application: every part of the pack, on top of any adapters."""

from dependency_injector import providers

from application.catalog.commands import COMMANDS_BY_METHOD
from application.policies import PostingPolicy, RetentionPolicy
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
from application.services.leased_chats import LeasedChats
from application.services.message_sender import MessageSender
from application.services.message_texts import MessageTexts
from application.services.poll_schedule import PollSchedule
from application.services.result_reporter import ResultReporter
from application.services.sole_process import SoleProcessLeases
from application.services.user_directory import UserDirectory
from application.services.work_log import WorkLog
from application.services.workspace_filter import WorkspaceFilter
from application.supervisor import Supervisor
from application.use_cases.broadcast import BroadcastHandler
from application.use_cases.chat_use_case import Services
from application.use_cases.dispatcher import CommandDispatcher
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
from entrypoints.container.adapters import watched
from entrypoints.container.ports import Ports


class Application(Ports):
    """Every part of the pack, once."""

    # From the workflow engine to the chat service

    poll_schedule = providers.Singleton(PollSchedule)
    work_log = providers.Singleton(WorkLog, clock=Ports.clock, chat_health=Ports.chat_health)
    backfill_progress = providers.Singleton(BackfillProgress, shutdown=Ports.shutdown)
    posting_policy = providers.Factory(
        PostingPolicy,
        messages_per_second=Ports.settings.provided.messages_per_second,
        message_burst=Ports.settings.provided.message_burst,
        give_up_seconds=Ports.settings.provided.give_up_seconds,
        when_in_doubt=Ports.settings.provided.when_in_doubt,
    )
    channel_turns = providers.Singleton(
        ChannelTurns, chat=Ports.chat, storage=Ports.storage, channel_locks=Ports.channel_locks, policy=posting_policy
    )
    doubts = providers.Singleton(
        Doubts, chat=Ports.chat, shutdown=Ports.shutdown, policy=posting_policy, telemetry=Ports.adapters.telemetry
    )
    message_sender = providers.Singleton(
        MessageSender,
        chat=Ports.chat,
        storage=Ports.storage,
        turns=channel_turns,
        clock=Ports.clock,
        shutdown=Ports.shutdown,
        policy=posting_policy,
        pauses=Ports.pauses,
        gate=Ports.post_gate,
        doubts=doubts,
    )
    channel_directory = providers.Singleton(ChannelDirectory, chat=Ports.chat)
    keyed_sender = providers.Singleton(
        KeyedSender,
        chat=Ports.impatient_chat,
        storage=Ports.storage,
        sender=message_sender,
        channels=channel_directory,
        pauses=Ports.pauses,
        shutdown=Ports.shutdown,
        key_age_seconds=Ports.settings.provided.key_age_seconds,
    )
    command_runner = providers.Singleton(
        CommandRunner,
        tools=providers.Singleton(
            ExecutionTools,
            chat=Ports.impatient_chat,
            services=providers.Singleton(
                Services,
                sender=message_sender,
                channels=channel_directory,
                message_keys=Ports.storage.provided.message_keys,
                direct_locks=providers.Singleton(
                    ChannelLocks, leases=providers.Singleton(SoleProcessLeases), shutdown=Ports.shutdown
                ),
                allowed_methods=Ports.settings.provided.allowed_methods,
                commands_by_method=providers.Object(COMMANDS_BY_METHOD),
            ),
            journal=Ports.storage.provided.journal,
            leases=Ports.storage.provided.leases,
            turns=channel_turns,
            doubts=doubts,
            pauses=Ports.pauses,
            shutdown=Ports.shutdown,
        ),
    )
    leased_chats = providers.Singleton(
        LeasedChats, chat=Ports.impatient_chat, retries=Ports.chat_retry, leases=Ports.storage.provided.leases
    )
    join_channel = providers.Singleton(
        JoinChannelHandler,
        chat=Ports.chat,
        leased_chats=leased_chats,
        storage=Ports.storage,
        channel_locks=Ports.channel_locks,
    )
    dispatcher = providers.Singleton(
        CommandDispatcher,
        handlers=providers.Dict(
            {
                commands.SendMessage: providers.Singleton(SendMessageHandler, sender=keyed_sender),
                commands.SendRichMessage: providers.Singleton(SendRichMessageHandler, sender=keyed_sender),
                commands.Broadcast: providers.Singleton(
                    BroadcastHandler, chat=Ports.chat, sender=message_sender, storage=Ports.storage
                ),
                commands.ChatCommand: command_runner,
                commands.JoinChannel: join_channel,
                commands.LeaveChannel: providers.Singleton(
                    LeaveChannelHandler,
                    leased_chats=leased_chats,
                    storage=Ports.storage,
                    channel_locks=Ports.channel_locks,
                    backfill=backfill_progress,
                    membership_doubts=Ports.membership_doubts,
                ),
            }
        ),
    )
    action_worker = providers.Singleton(
        ActionWorker,
        workflow=Ports.workflow,
        until_registered=Ports.circuit_breaker.provided.wait_until_registered,
        chat=Ports.chat,
        storage=Ports.storage,
        dispatcher=providers.Singleton(watched, Ports.adapters.tracing.provided.dispatcher, dispatcher),
        reporter=providers.Singleton(
            watched,
            Ports.adapters.tracing.provided.reporter,
            providers.Singleton(
                ResultReporter,
                workflow=Ports.workflow,
                storage=Ports.storage,
                shutdown=Ports.shutdown,
                telemetry=Ports.adapters.telemetry,
            ),
        ),
        schedule=poll_schedule,
        channel_locks=Ports.channel_locks,
        replicas=Ports.replicas,
        work_log=work_log,
        shutdown=Ports.shutdown,
        storage_retry=Ports.storage_retry,
        lease=Ports.lease,
        journal_limit=Ports.settings.provided.journal_limit,
    )

    # From the chat service to the workflow engine

    outbox_relay = providers.Singleton(
        OutboxRelay,
        workflow=Ports.workflow,
        engine=Ports.adapters.workflow,
        outages=Ports.circuit_breaker,
        storage=Ports.storage,
        enricher=providers.Singleton(
            watched,
            Ports.adapters.tracing.provided.enricher,
            providers.Singleton(
                EventEnricher,
                users=providers.Singleton(UserDirectory, chat=Ports.chat, shutdown=Ports.shutdown),
                texts=providers.Singleton(MessageTexts, chat=Ports.chat),
                storage=Ports.storage,
                receives_bots=Ports.settings.provided.receives_bots,
            ),
        ),
        schedule=poll_schedule,
        work_log=work_log,
        shutdown=Ports.shutdown,
        lease=Ports.lease,
        telemetry=Ports.adapters.telemetry,
    )
    workspaces = providers.Singleton(WorkspaceFilter, storage=Ports.storage, doubts=Ports.membership_doubts)
    receive_events = providers.Singleton(
        ReceiveEvents,
        chat=Ports.chat,
        storage=Ports.storage,
        doubts=Ports.membership_doubts,
        workspaces=workspaces,
        replicas=Ports.replicas,
        work_log=work_log,
        telemetry=Ports.adapters.telemetry,
        listen=Ports.settings.provided.listen,
        receives_bots=Ports.settings.provided.receives_bots,
        receives_edits=Ports.settings.provided.receives_edits,
    )
    history_reader = providers.Singleton(HistoryReader, chat=Ports.chat, pauses=Ports.pauses, shutdown=Ports.shutdown)
    message_consumer = providers.Singleton(
        MessageConsumer,
        receiver=Ports.adapters.receiver,
        receive_events=receive_events,
        receive_interaction=providers.Singleton(
            ReceiveInteraction,
            storage=Ports.storage,
            workspaces=workspaces,
            work_log=work_log,
            clock=Ports.clock,
            telemetry=Ports.adapters.telemetry,
        ),
        backfill=providers.Singleton(
            Backfill,
            chat=Ports.chat,
            storage=Ports.storage,
            reader=history_reader,
            receive_events=receive_events,
            progress=backfill_progress,
            replicas=Ports.replicas,
            work_locks=Ports.work_locks,
            lease=Ports.lease,
            health=Ports.health.provided.reporter.call("slack"),
            clock=Ports.clock,
            shutdown=Ports.shutdown,
            look_back_seconds=Ports.settings.provided.catch_up_seconds,
            listen=Ports.settings.provided.listen,
        ),
        group_connection=providers.Singleton(
            GroupConnection, chat=Ports.chat, storage=Ports.storage, replicas=Ports.replicas, shutdown=Ports.shutdown
        ),
        health=Ports.chat_health,
        clock=Ports.clock,
        shutdown=Ports.shutdown,
    )

    # The whole

    supervisor = providers.Singleton(
        Supervisor,
        chat=Ports.chat,
        storage=Ports.storage,
        consumer=message_consumer,
        relay=outbox_relay,
        worker=action_worker,
        membership_sync=providers.Singleton(
            MembershipSync,
            chat=Ports.chat,
            storage=Ports.storage,
            doubts=Ports.membership_doubts,
            channel_locks=Ports.channel_locks,
            work_locks=Ports.work_locks,
            join_channel=join_channel,
            health=Ports.chat_health,
            shutdown=Ports.shutdown,
            default_channels=Ports.settings.provided.default_join_channels,
        ),
        backlog_monitor=providers.Singleton(
            BacklogMonitor,
            storage=Ports.storage,
            health=Ports.health.provided.reporter.call("outbox"),
            work_log=work_log,
            shutdown=Ports.shutdown,
        ),
        clock_monitor=providers.Singleton(
            ClockMonitor,
            clock=Ports.clock,
            chat=Ports.adapters.chat,
            workflow=Ports.adapters.workflow,
            chat_health=Ports.health.provided.reporter.call("slack"),
            workflow_health=Ports.health.provided.reporter.call("flyte"),
            shutdown=Ports.shutdown,
        ),
        pauses=Ports.pauses,
        replicas=Ports.replicas,
        channel_locks=Ports.channel_locks,
        work_locks=Ports.work_locks,
        circuit_breaker=Ports.circuit_breaker,
        chat_health=Ports.chat_health,
        shutdown=Ports.shutdown,
        lease=Ports.lease,
        housekeeping=providers.Singleton(
            Housekeeping,
            chat=Ports.chat,
            storage=Ports.storage,
            retention=providers.Singleton(
                RetentionPolicy,
                event_seconds=Ports.settings.provided.event_age_seconds,
                action_seconds=Ports.settings.provided.action_age_seconds,
                key_seconds=Ports.settings.provided.key_age_seconds,
                set_aside_seconds=Ports.settings.provided.set_aside_age_seconds,
            ),
            shutdown=Ports.shutdown,
        ),
    )
