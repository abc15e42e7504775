"""From a text as Slack passes it on back to what somebody typed."""

import re
from typing import Final

from entrypoints.flow_tests.recordings.session import Session
from entrypoints.simulation.slack.people import escape
from entrypoints.simulation.workspaces.workspace import replace_mentions

_BRACKETS: Final = re.compile(r"<([@#])([\w.-]+)>")


def typed_text(text: str, session: Session) -> str | None:
    """What to type (`@alice`, `<`) so that Slack passes this on; None where typing can't make it.

    In the text, mentions are by name: `<@alice>`.
    """
    plain = _BRACKETS.sub(r"\1\2", text)
    typed = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return typed if _as_sent(typed, session) == text else None


def _as_sent(typed: str, session: Session) -> str:
    """What Slack makes of it, with names in the place of ids."""
    names = {"@": set(session.handles), "#": {label.removeprefix("#") for label in session.channels.values()}}
    return replace_mentions(escape(typed), lambda sign, name: f"<{sign}{name}>" if name in names[sign] else None)
