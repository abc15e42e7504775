"""Checks a form as Slack does before it is submitted."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from entrypoints.simulation.slack.app_use.choices import is_filled
from entrypoints.simulation.slack.app_use.elements import Element
from entrypoints.simulation.slack.models import JsonObject

_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_URL: Final = re.compile(r"\w[\w+.-]*://\S+")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


class FormIncomplete(Exception):
    """A form cannot be submitted as it is; `errors` says why, by block id."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{block_id}: {error}" for block_id, error in errors.items()))
        self.errors: Final = errors


def form_errors(known: list[Element], values: Mapping[str, Any]) -> dict[str, str]:
    """Returns why a form with these `state.values` cannot be submitted, by block id; empty if it can."""
    errors: dict[str, str] = {}
    for element in known:
        if element.block.get("type") == "input":
            error = _error(element, values.get(element.block_id, {}).get(element.action_id, {}))
            errors |= {element.block_id: error} if error else {}
    return errors


def _error(element: Element, value: JsonObject) -> str:
    if not is_filled(value):
        return "" if element.block.get("optional") else "Please complete this required field."
    if element.kind.startswith("multi_"):
        return _count_error(element.fields, value)
    check = _CHECKS.get(element.kind)
    return check(element.fields, str(value.get("value") or "")) if check else ""


def _length_error(fields: JsonObject, text: str) -> str:
    least, most = fields.get("min_length", 0), fields.get("max_length", 3000)
    if len(text) < least:
        return f"This must be at least {least} characters long."
    return f"This must be at most {most} characters long." if len(text) > most else ""


def _email_error(_: JsonObject, text: str) -> str:
    return "" if _EMAIL.fullmatch(text) else "Please enter a valid email address."


def _url_error(_: JsonObject, text: str) -> str:
    return "" if _URL.fullmatch(text) else "Please enter a valid URL."


def _number_error(fields: JsonObject, text: str) -> str:
    if not _NUMBER.fullmatch(text) or ("." in text and not fields.get("is_decimal_allowed")):
        return "Please enter a number." if fields.get("is_decimal_allowed") else "Please enter a whole number."
    if "min_value" in fields and float(text) < float(fields["min_value"]):
        return f"Please enter a number of at least {fields['min_value']}."
    if "max_value" in fields and float(text) > float(fields["max_value"]):
        return f"Please enter a number of at most {fields['max_value']}."
    return ""


def _count_error(fields: JsonObject, value: JsonObject) -> str:
    most = fields.get("max_selected_items")
    count = max(len(content) for content in value.values() if isinstance(content, list))
    return f"Please choose at most {most}." if most and count > most else ""


_CHECKS: Final[Mapping[str, Callable[[JsonObject, str], str]]] = {
    "plain_text_input": _length_error,
    "email_text_input": _email_error,
    "url_text_input": _url_error,
    "number_input": _number_error,
}
