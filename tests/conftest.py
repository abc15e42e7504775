import asyncio
import gc
import tempfile
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

from adapters.memory.clock import VirtualTimeLoop
from adapters.postgresql.connection_settings import parameters_of
from adapters.postgresql.database import Database
from adapters.postgresql.migration import known_migrations, migrate
from tests.support.fast_directory import fast_directory
from tests.support.postgres_server import ServerProcess, describe_server, fresh_database, running_server
from tests.support.shared_compilation import compile_own_share

# So that a failure there says what was compared, as in modules that pytest collects itself.
pytest.register_assert_rewrite("tests.contracts", "entrypoints.testing")

# For the directories of the tests.
if directory := fast_directory():
    tempfile.tempdir = str(directory)

# A busy machine makes no property false.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests marked `virtual_time` run on an event loop whose clock jumps whenever every task waits."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual time": VirtualTimeLoop}
    return {"real time": asyncio.new_event_loop}


def pytest_collection(session: pytest.Session) -> None:
    """What is collected stays until the end: there is no garbage to look for."""
    gc.disable()
    compile_own_share(session.config)  # a clean checkout has nothing compiled


def pytest_collection_finish() -> None:
    """The garbage collector need not look at thousands of collected tests, nor after every 700 new objects."""
    gc.freeze()
    gc.set_threshold(10_000)
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the PostgreSQL that the tests used, also in quiet reports, which have no header."""
    terminalreporter.write_line(describe_server())


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that all tests of this process share."""
    with running_server() as url:
        yield url


@pytest.fixture
def database_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def tables_template(postgres_server: str) -> Iterator[str]:
    """The name of a database with the tables of a pack, to be copied: that takes half as long as to create them."""
    with fresh_database(postgres_server) as url:
        asyncio.run(_create_tables(url))
        yield urlsplit(url).path.removeprefix("/")


@pytest.fixture(scope="session")
def reused_url(postgres_server: str, tables_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with the tables of a pack, for tests that empty them and change no schema."""
    with fresh_database(postgres_server, tables_template) as url:
        yield url


@pytest.fixture
def tables_url(postgres_server: str, tables_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with the tables of a pack, and nothing in them."""
    with fresh_database(postgres_server, tables_template) as url:
        yield url


async def _create_tables(url: str) -> None:
    async with await Database(parameters_of(url)).connect() as session:
        await migrate(session, known_migrations())


@pytest.fixture
def server_process() -> Iterator[ServerProcess]:
    """A PostgreSQL server of the test's own, to inject faults into."""
    with ServerProcess() as server:
        yield server
