"""Events as Slack sends them."""

from domain.channels import ChannelId
from domain.json_values import Json, JsonObject
from domain.users import Identity

OWN = "UFLYTE"
OURS = Identity(OWN, "BFLYTE", "T1")
C1 = ChannelId("C1")


def message(**fields: Json) -> JsonObject:
    """Returns the event of a message in C1, with these fields."""
    return {"type": "message", "channel": "C1", "user": "U1", "text": "hello", "ts": "1355517523.000005", **fields}


def reaction(kind: str = "reaction_added", **fields: Json) -> JsonObject:
    """Returns the event of a reaction to a message in C1, with these fields."""
    item: JsonObject = {"type": "message", "channel": "C1", "ts": "1.2"}
    who: JsonObject = {"user": "U1", "item_user": "U2"}
    return {"type": kind, **who, "reaction": "eyes", "item": item, "event_ts": "3.4", **fields}
