"""The variables for rendering templates in tests."""

import random
from datetime import UTC, datetime, timedelta, timezone

from entrypoints.simulation.pongo2.go_json import from_json
from entrypoints.simulation.pongo2.rendering import TemplateEnvironment
from entrypoints.simulation.pongo2.template import Template
from entrypoints.simulation.pongo2.values import Struct

EVENT = Struct(
    "execution.Event",
    {
        "Name": "ReceivedMessage",
        "Pack": Struct("execution.Pack", {"Id": "Slack.env.dev", "Name": "Slack", "Labels": {"env": "dev"}}),
        "CreatedAt": datetime(2024, 3, 1, 9, 5, 7, 250000, UTC),
        "ReceivedAt": datetime(2024, 3, 1, 9, 5, 7, tzinfo=timezone(timedelta(hours=2))),
    },
)
VALUES = {
    "text": "echo   two spaces",
    "name": "Zoë O'Neil",
    "html": '<b>Tom & "Al"</b>',
    "lines": "one\ntwo\n\nthree",
    "words": "the quick brown fox",
    "number": 3,
    "half": 2.5,
    "zero": 0,
    "yes": True,
    "no": False,
    "nothing": None,
    "letters": ["b", "a", "c"],
    "mixed": ["x", 1, True, None],
    "map": {"key": "value", "n": 1},
    "empty": "",
    "digits": "1234",
    "room": "C1",
    "replies": [{"text": "first"}, {"text": "second"}],
}
ENVIRONMENT = TemplateEnvironment(
    datastore={"teams": {"api": {"owner": "Al"}}, "flag": True, "note": "a text"},
    rng=random.Random(1),
    now=lambda: datetime(2024, 5, 6, 7, 8, tzinfo=UTC),
)


def render(source: str) -> str:
    """Renders a template with these values, as decoded JSON, and an event."""
    names = {key: from_json(value) for key, value in VALUES.items()}
    return Template(source).render({**names, "Event": EVENT}, ENVIRONMENT)
