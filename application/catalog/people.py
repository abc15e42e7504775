"""The form in which events describe people."""

from domain.json_values import JsonObject
from domain.users import User


def user_fields(user: User) -> JsonObject:
    """Returns the six keys that every released pack sent."""
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "title": user.title,
        "firstName": user.first_name,
        "lastName": user.last_name,
    }


def person_fields(user: User, timestamp: str = "", thread_timestamp: str = "") -> JsonObject:
    """Returns the user of an event. Some flows read the times of the message here, others beside `message`."""
    times: JsonObject = {"timestamp": timestamp, "threadTimestamp": thread_timestamp}
    return user_fields(user) | times | {"handle": user.handle, "isBot": user.is_bot}
