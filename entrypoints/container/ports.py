"""The ports of the pack, with the policies around them, and what the policies need."""

import os
import socket
from typing import Any

from dependency_injector import containers, providers

from application.catalog.commands import COMMANDS_BY_NAME
from application.health import ChatHealth, HealthRegistry
from application.policies import LeasePolicy
from application.ports.replicas import Replica
from application.resilience.chat_retry import ChatHealthPolicy, ChatRetryPolicy
from application.resilience.circuit_breaker import WorkflowCircuitBreaker
from application.resilience.inaccessible_channels import InaccessibleChannelPolicy
from application.resilience.interception import InterceptedStorage, intercepted
from application.resilience.shutdown import Shutdown
from application.resilience.storage_retry import StorageRetryPolicy
from application.services.channel_locks import ChannelLocks
from application.services.membership_doubts import MembershipDoubts
from application.services.pauses import Pauses
from application.services.post_gate import PostGate
from application.services.replica_group import ReplicaGroup
from application.use_cases.dispatcher import pack_definition
from entrypoints.config.settings import Settings, digests
from entrypoints.container.adapters import watched
from entrypoints.version import VERSION

HEALTH_CHECKS = ("flyte", "slack", "storage", "outbox")
"""The names under which the parts of the pack report their health, in the order in which they are shown."""


def _process_name() -> str:
    return f"{socket.gethostname()}-{os.getpid()}"


class Ports(containers.DeclarativeContainer):
    """The ports as the application uses them: on top of any adapters, with the policies applied."""

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
    """The locks of work that one replica at a time does for all."""
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
    """The chat service for callers that repeat all requests themselves."""
    chat_retry = providers.Singleton(
        ChatRetryPolicy, shutdown=shutdown, pauses=pauses, give_up_seconds=settings.provided.give_up_seconds
    )
    retried_chat = providers.Singleton(intercepted, watched_chat, chat_retry)
    chat = providers.Singleton(intercepted, retried_chat, inaccessible_channels)
