"""YAML is read as the server's own reader read it."""

import json
from typing import Any

import pytest
import yaml

from entrypoints.simulation.flyte.yaml_reader import read_yaml
from tests.simulation.conformance_cases import CASES, differences_in_documentation

RECORDED = json.loads((CASES / "yaml.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case["yaml"]))
def test_yaml_is_read_as_by_the_server(case: dict[str, Any]) -> None:
    if "e" in case["expected"]:
        with pytest.raises(yaml.YAMLError):
            read_yaml(case["yaml"])
    else:
        assert read_yaml(case["yaml"]).data == case["expected"]["o"]


def test_the_documentation_counts_the_differences() -> None:
    assert differences_in_documentation()["YAML"] == (len(RECORDED), 0)


READ = [
    ("12:30:45", "12:30:45"),
    ("y", True),
    ("oFf", "oFf"),
    ("~", None),
    ("08", 8),
    ("-010", -8),
    ("0X1f", 31),
    ("+0b11", 3),
    ("9223372036854775808", 2**63),
    ("18446744073709551616", 18446744073709552000.0),
    ("1.5e+3", 1500),
    ("1.5e3", "1.5e3"),
    ("-.5", -0.5),
    ("1_0.5", 10.5),
    ("._5", "._5"),
    ("0x", "0x"),
    ("+", "+"),
    ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
    ("!!str yes", "yes"),
    ("!!int '3'", 3),
    ("!!bool on", True),
    ("!!float 3", 3),
    ("!foo x", "x"),
    ("'3'", "3"),
    ('!!binary "a\\n Gk="', "hi"),
    (r""""don\'t" # \'""", "don't"),
    (r'''"a\\'b\\\'"''', r"a\'b\'"),
    (r"""{"it\'s": ['a\', b\'c]}""", {"it's": ["a\\", r"b\'c"]}),
    (r"""'a\/b'""", r"a\/b"),
    (r"a\'b", r"a\'b"),
    ("{1.5: a, 0x10: b, true: c, .inf: d}", {"1.5": "a", "16": "b", "true": "c", ".inf": "d"}),
    ("{a: 1, a: 2}", {"a": 2}),
    ("{<<: {a: 1, b: 2}, a: 3}", {"a": 3, "b": 2}),
    ("{a: 3, <<: {a: 1}}", {"a": 1}),
    ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": 1, "b": 2}),
    ("{'<<': 1}", {"<<": 1}),
    ("[&x {a: 1}, *x]", [{"a": 1}, {"a": 1}]),
]


@pytest.mark.parametrize(("text", "value"), READ)
def test_a_value_is_read_by_the_rules_of_yaml_v2(text: str, value: object) -> None:
    assert read_yaml(f"v: {text}").data == {"v": value}


REFUSED = [
    ("v: .inf", "unsupported value: .inf is no number in JSON", 3),
    ("v: .NaN", "unsupported value: .NaN is no number in JSON", 3),
    ("{~: 1}", "unsupported map key: null", 1),
    ("{[a]: 1}", "invalid map key: a list or a map", 1),
    ("v: !!int 3.5", "cannot decode `3.5` as a !!int", 3),
    ("v: !!timestamp 12:30", "cannot decode `12:30` as a !!timestamp", 3),
    ("v: !!bool 1", "cannot decode `1` as a !!bool", 3),
    ("v: !!binary '%'", "!!binary value contains invalid base64 data", 3),
    ("v: {<<: 1}", "map merge requires map or sequence of maps as the value", 8),
    ("v: *x", "unknown anchor 'x' referenced", 3),
    ("v: &x [1, *x]", "anchor 'x' value contains itself", 10),
    ("v: &x {a: {b: *x}}", "anchor 'x' value contains itself", 14),
    (r'''v: "it\'s a\/b"''', "found unknown escape character", 3),
]


@pytest.mark.parametrize(("text", "problem", "column"), REFUSED)
def test_what_the_server_refuses_is_an_error_with_its_place(text: str, problem: str, column: int) -> None:
    with pytest.raises(yaml.MarkedYAMLError) as error:
        read_yaml(text)

    assert error.value.problem == problem
    assert error.value.problem_mark is not None
    assert (error.value.problem_mark.line, error.value.problem_mark.column) == (0, column)
