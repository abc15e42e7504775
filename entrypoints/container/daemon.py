"""The pack as a process."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from dependency_injector import containers, providers

from entrypoints.config.settings import Settings
from entrypoints.container.adapters import Adapters, receive_mode
from entrypoints.container.application import Application
from entrypoints.http import HttpServer


class Daemon(containers.DeclarativeContainer):
    """The pack as a process: the application on the adapters of the settings, and the HTTP server."""

    settings: providers.Dependency[Settings] = providers.Dependency(instance_of=Settings)
    adapters: Any = providers.Container(Adapters, settings=settings)
    application: Any = providers.Container(Application, settings=settings, adapters=adapters)
    http_server = providers.Singleton(
        HttpServer,
        health=application.health,
        host=settings.provided.http_host,
        port=settings.provided.http_port,
        metrics=adapters.instruments.provided.render,
        slack_handler=providers.Selector(
            providers.Callable(receive_mode, settings),
            SOCKET_MODE=providers.Object(None),
            HTTP=adapters.slack_receiver,
            RTM=providers.Object(None),
        ),
    )


def lifetimes(daemon: Daemon) -> Iterator[AbstractAsyncContextManager[object]]:
    """Yields the contexts to enter, in this order, before the pack runs; they are left in reverse order.

    Slack's signed requests can arrive as soon as the pack receives, so the port is open by then; even while the pack
    waits for the server of its storage, so that its health can be seen.
    """
    adapters = daemon.adapters
    storage = adapters.storage()
    yield adapters.tracing().open()
    yield adapters.instruments().prepared()
    yield adapters.recording().open()
    if storage.describe().is_shared:
        yield daemon.http_server().open()
    yield daemon.application.storage_retry().opened(storage)
    yield adapters.slack_web().open()
    yield adapters.flyte_workflow().open()
    if not storage.describe().is_shared:
        yield daemon.http_server().open()
