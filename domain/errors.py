"""The errors that ports raise.

ChatError                       the chat service
+-- ChatRejected                permanent: the same request would get the same answer
|   +-- AuthenticationFailed    the token is not valid; affects the whole pack
|   +-- ChannelInaccessible     the bot is not a member, or the channel is archived or gone
|   +-- IdempotencyKeyRejected  the service does not accept the message's idempotency key
+-- RateLimited                 retry after `retry_after_seconds`
+-- Unreachable                 the request had no effect; retry later
+-- InDoubt                     the request was sent; whether it took effect is unknown

WorkflowError                   the workflow engine
+-- WorkflowUnreachable         the request had no effect, or repeating it is safe; retry later
|   +-- PathRefused             the engine serves no such path: its configuration or the pack's has to change
+-- WorkflowInDoubt             the request was sent and no answer came
+-- WorkflowServerError         the engine failed (5xx); may pass
+-- ActionTakenElsewhere        another replica took the action
+-- PackNotRegistered           register again
+-- RejectedByWorkflow          rejected for its content (400): a repeat would be rejected as well
+-- WorkflowUnauthorized        the engine requires another token

StorageError                    the storage
+-- StorageUnavailable          can't read or write at the moment; may recover
+-- StorageUnusable             can't be opened: in use by another process, a foreign owner, a link

TooLate                         the time that a write was given has passed
LeaseLost                       the lease on the lane has expired; another process may hold it
"""

from domain.channels import ChannelId


class ChatError(Exception):
    """The chat service did not do what was requested. `str()` is written for flow authors: `<code>: <what to do>`."""

    def __init__(self, code: str, explanation: str) -> None:
        super().__init__(f"{code}: {explanation}")
        self.code = code
        self.explanation = explanation


class ChatRejected(ChatError):
    """The service rejected the request, and would reject it again."""


class AuthenticationFailed(ChatRejected):
    """The service does not accept the token (`invalid_auth`, `token_revoked`, ...)."""


class ChannelInaccessible(ChatRejected):
    """The bot is not a member of the channel, or the channel is archived or gone."""

    def __init__(self, code: str, explanation: str, channel_id: ChannelId) -> None:
        super().__init__(code, explanation)
        self.channel_id = channel_id


class IdempotencyKeyRejected(ChatRejected):
    """The service rejected the post because of its idempotency key; it may accept the message without one."""


class RateLimited(ChatError):
    """The service asks to slow down."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("ratelimited", f"Slack asks to wait {retry_after_seconds:g} s")
        self.retry_after_seconds = retry_after_seconds


class Unreachable(ChatError):
    """The service could not be reached, or can't serve requests now. Nothing took effect."""


class InDoubt(ChatError):
    """The request was sent, and no answer tells whether it took effect."""


class WorkflowError(Exception):
    """The workflow engine did not do what was requested. `str()` is written for operators."""


class WorkflowUnreachable(WorkflowError):
    """The engine could not be reached, or something else answered in its place."""


class PathRefused(WorkflowUnreachable):
    """The engine answers, but serves no request of this kind to this pack, however often it registers."""


class WorkflowInDoubt(WorkflowError):
    """The request was sent, and the connection broke or the time ran out before an answer."""


class WorkflowServerError(WorkflowError):
    """The engine answered with a failure of its own (5xx)."""


class ActionTakenElsewhere(WorkflowError):
    """Another replica of the pack took the action first."""


class PackNotRegistered(WorkflowError):
    """The engine does not know the pack, or the action (404)."""


class RejectedByWorkflow(WorkflowError):
    """The engine rejected the request for its content (400)."""


class WorkflowUnauthorized(WorkflowError):
    """The engine requires a token, or another one (401, 403)."""


class StorageError(Exception):
    """The storage did not do what was requested. `str()` is written for operators."""


class StorageUnavailable(StorageError):
    """The storage can't read or write at the moment. Nothing took effect."""


class StorageUnusable(StorageError):
    """The storage can't be opened, and waiting would not help."""


class TooLate(Exception):
    """The time that a write was given has passed; nothing was changed."""

    def __init__(self) -> None:
        super().__init__("the storage took too long")


class LeaseLost(Exception):
    """The lease on the lane has expired or ended; nothing was changed, and its next holder does the work."""

    def __init__(self, lane: str) -> None:
        super().__init__(f"the lease on {lane} has expired")
