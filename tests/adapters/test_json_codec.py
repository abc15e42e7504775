"""Reads JSON of any shape safely."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.serialization.json_codec import MAX_DEPTH, is_deeper_than, read_json, replace_surrogates_deep, write_json
from domain.json_values import Json
from entrypoints.testing.strategies import json_values


@given(json_values)
def test_written_json_is_read_back(value: Json) -> None:
    assert read_json(write_json(value)) == value


@given(json_values)
def test_pruning_a_text_keeps_its_upper_levels(value: Json) -> None:
    deep = "[" * (MAX_DEPTH * 3) + "]" * (MAX_DEPTH * 3)
    assert read_json(f'{{"before": {json.dumps(value)}, "deep": {deep}, "after": {json.dumps(value)}}}') == {
        "before": value,
        "deep": _nested(MAX_DEPTH - 1, innermost=None),
        "after": value,
    }


def _nested(levels: int, innermost: Json) -> Json:
    value = innermost
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "text",
    ["[" * 1_000_000 + "]" * 1_000_000, '{"a":' * 100_000 + "1" + "}" * 100_000, "[" * 300 + '"]"' + "]" * 300],
)
def test_an_excessively_nested_text_is_read_down_to_the_maximum_depth(text: str) -> None:
    value = read_json(text)
    assert is_deeper_than(MAX_DEPTH - 1, value)
    assert not is_deeper_than(MAX_DEPTH, value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "{",
        '{"a": ',
        "[" * 100_000,
        "]" * 100_000,
        '"' + "\\" * 100_001,
        "<html></html>",
        "[1] [2]",
        '["a]' * 300,
    ],
)
def test_invalid_json_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the json module's
        read_json(text)


@given(st.text() | st.binary())
def test_any_text_is_read_or_raises_value_error(text: str | bytes) -> None:
    try:
        read_json(text)
    except ValueError:
        return


def test_an_integer_of_ten_thousand_digits_does_not_affect_other_values() -> None:
    assert read_json('{"a": ' + "9" * 10_000 + ', "b": 1}') == {"a": math.inf, "b": 1}


def test_bytes_that_are_not_utf_8_are_replaced() -> None:
    assert read_json(b'"caf\xe9"') == "caf�"


def test_a_byte_order_mark_is_ignored() -> None:
    assert read_json(b"\xef\xbb\xbf[]") == []


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"a": -math.inf}, "\ud800"])
def test_values_without_a_json_form_are_not_written(value: Json) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the json module's
        write_json(value)


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ("\ud800", "�"),
        ("a\udc00b", "a�b"),
        ("\ud83d\ude00", "😀"),
        (["\udfff", 1, None], ["�", 1, None]),
        ({"\ud800": {"k": "\udbff"}}, {"�": {"k": "�"}}),
    ],
)
def test_lone_surrogates_are_replaced_and_pairs_joined(given: Any, whole: Any) -> None:
    assert replace_surrogates_deep(given) == whole


@given(json_values)
def test_values_without_surrogates_are_unchanged(value: Json) -> None:
    assert replace_surrogates_deep(value) == value


@pytest.mark.parametrize(("value", "depth"), [(1, 0), ([], 1), ({}, 1), ([[1], 2], 2), ({"a": [{"b": []}]}, 4)])
def test_depth_counts_lists_and_objects(value: Json, depth: int) -> None:
    assert not is_deeper_than(depth, value)
    assert depth == 0 or is_deeper_than(depth - 1, value)
