"""What can go wrong at the ports.

ChatError                 Slack
+-- Refused               permanent: asking again would get the same answer
|   +-- AuthenticationFailed   the token is no good; the whole pack suffers
+-- RateLimited           ask again after `retry_after_seconds`
+-- Unreachable           the request did not take effect; ask again later
+-- InDoubt               the request went out and nobody knows whether it took effect

WorkflowError             Flyte
+-- WorkflowUnreachable   the request did not take effect, or a repeat does no harm; ask again later
+-- WorkflowInDoubt       the request went out and no answer came
+-- NotTaken              answered with a failure that may pass (5xx)
+-- RaceLost              another replica took the action
+-- PackUnknown           register again
+-- Malformed             refused for what it says (400): a repeat would be refused as well
+-- NotAuthorised         the engine wants another token

StorageError              the storage
+-- StorageUnavailable    can't read or write at the moment; may recover
+-- StorageRefused        can't be opened: in use by another process, a foreign owner, a link
"""


class ChatError(Exception):
    """Slack did not do what was asked. `str()` of it is what a flow's author reads: `<code>: <what to do>`."""

    def __init__(self, code: str, explanation: str) -> None:
        super().__init__(f"{code}: {explanation}")
        self.code = code
        self.explanation = explanation


class ChatRejected(ChatError):
    """Slack said no, and would say no again."""


class AuthenticationFailed(ChatRejected):
    """Slack does not accept the token (`invalid_auth`, `token_revoked`, ...)."""


class RateLimited(ChatError):
    """Slack asks for patience."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__("ratelimited", f"Slack asks to wait {retry_after_seconds:g} s")
        self.retry_after_seconds = retry_after_seconds


class Unreachable(ChatError):
    """Slack could not be reached, or said that it can't serve now. Nothing took effect."""


class InDoubt(ChatError):
    """The request went out, and no answer tells whether it took effect."""


class WorkflowError(Exception):
    """Flyte did not do what was asked. `str()` of it is what an operator reads."""


class WorkflowUnreachable(WorkflowError):
    """Flyte could not be reached, or what answered was not Flyte."""


class WorkflowInDoubt(WorkflowError):
    """The request went out, and the connection broke or the time ran out before an answer."""


class WorkflowServerError(WorkflowError):
    """Flyte answered with a failure of its own (5xx)."""


class ActionTakenElsewhere(WorkflowError):
    """Another replica of the pack took the action first, which Flyte answers with a 500."""


class PackNotRegistered(WorkflowError):
    """Flyte does not know the pack, or the action (404)."""


class RejectedByWorkflow(WorkflowError):
    """Flyte refuses this for what it says (400)."""


class WorkflowUnauthorized(WorkflowError):
    """Flyte wants a token, or another one (401, 403)."""


class StorageError(Exception):
    """The storage did not do what was asked. `str()` of it is what an operator reads."""


class StorageUnavailable(StorageError):
    """The storage can't read or write at the moment. Nothing of the request took effect."""


class StorageUnusable(StorageError):
    """The storage can't be opened, and waiting would not help."""
