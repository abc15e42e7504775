"""What storages keep comes back as it was."""

import json
from typing import get_args

import pytest
from hypothesis import given

from adapters.serialization.records import dump_command, dump_event, load_command, load_event
from domain.channels import ChannelId
from domain.commands import Command
from domain.events import BroadcastFailed, ChannelFailure, ChannelJoined, Outcome
from tests.support.strategies import commands, outcomes


@given(commands)
def test_every_command_comes_back_as_it_was(command: Command) -> None:
    assert load_command(json.loads(json.dumps(dump_command(command)))) == command


@given(outcomes)
def test_every_outcome_comes_back_as_it_was(outcome: Outcome) -> None:
    assert load_event(json.loads(json.dumps(dump_event(outcome)))) == outcome


def test_the_sequences_of_a_loaded_value_are_tuples() -> None:
    outcome = BroadcastFailed("hello", "e", (ChannelId("C1"),), (ChannelFailure(ChannelId("C2"), "e"),))
    loaded = load_event(dump_event(outcome))
    assert isinstance(loaded, BroadcastFailed)
    assert isinstance(loaded.failures, tuple)
    assert hash(loaded) == hash(outcome)


@pytest.mark.parametrize("kind", get_args(Outcome))
def test_every_kind_of_outcome_has_a_record(kind: type[Outcome]) -> None:
    with pytest.raises(ValueError, match=f"a record of the type {kind.__name__} is wrong in"):
        load_event({"type": kind.__name__})


@pytest.mark.parametrize("kind", get_args(Command))
def test_every_kind_of_command_has_a_record(kind: type[Command]) -> None:
    with pytest.raises(ValueError, match=f"a record of the type {kind.__name__} is wrong in"):
        load_command({"type": kind.__name__})


@pytest.mark.parametrize("record", [{}, {"type": "Shouted"}, {"type": None}, {"type": []}])
def test_a_record_of_no_known_type_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="there is no record of the type"):
        load_event(record)


def test_a_record_with_more_than_its_type_has_is_refused_without_its_words() -> None:
    record = dump_event(ChannelJoined(ChannelId("C1"))) | {"said": "a secret"}
    with pytest.raises(ValueError, match=r"wrong in said$"):
        load_event(record)
