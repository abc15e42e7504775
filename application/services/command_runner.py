"""Executes chat commands by their rows in the table."""

from application.catalog.commands import COMMANDS_BY_NAME
from application.catalog.specs import CommandSpec, FieldType
from application.services.command_execution import CommandExecution, ExecutionTools, execution_step
from application.services.lanes import lane_of
from application.use_cases.command_handler import CommandRequest
from application.use_cases.command_input import CommandInput
from domain.channels import NO_CHANNEL
from domain.commands import ChatCommand, without_token
from domain.errors import ChatError, ChatRejected
from domain.events import CommandOutcome
from domain.json_values import JsonObject
from domain.messages import OutgoingMessage


class CommandRunner:
    """Executes any ChatCommand."""

    def __init__(self, tools: ExecutionTools) -> None:
        self._tools = tools

    async def execute(self, request: CommandRequest[ChatCommand]) -> CommandOutcome:
        """Implements CommandHandler."""
        spec = COMMANDS_BY_NAME[request.command.name]
        echoed = _echoed(spec, request.command.input)
        if missing := spec.missing(request.command.input):
            return _failure(spec, echoed, missing, missing)
        try:
            self._check(spec, request.command.input)
            results = await self._execute(spec, request)
        except ChatError as error:
            return _failure(spec, echoed, str(error), error.explanation)
        return CommandOutcome(spec.success, echoed | results)

    def _check(self, spec: CommandSpec, fields: JsonObject) -> None:
        """Raises ChatRejected for input that is not to reach the chat service."""
        if fields != _without_tokens(spec, fields):
            raise ChatRejected("token_not_allowed", "the pack acts with its own token; remove `token` from the input")
        given = CommandInput(fields)
        for name in ("message", "text"):
            self._tools.chat.validate(OutgoingMessage(NO_CHANNEL, given.text(name)))

    async def _execute(self, spec: CommandSpec, request: CommandRequest[ChatCommand]) -> JsonObject:
        assert spec.use_case is not None  # noqa: S101 - only such commands are parsed as ChatCommand
        lane = lane_of(request.action_id, request.command)
        begun_at = execution_step(request).begun_at
        turns = self._tools.turns
        has_begun = begun_at is not None
        async with turns.turn(
            lane, request.action_id, request.taken_at, has_begun=has_begun, subject="command"
        ) as turn:
            return await CommandExecution(self._tools, spec, spec.use_case, request, turn).run()


def _echoed(spec: CommandSpec, fields: JsonObject) -> JsonObject:
    """Returns the input as both events show it: without a token, and with a size in place of each content."""
    content = {field.name for field in spec.fields if field.is_content}
    kept = {name: value for name, value in _without_tokens(spec, fields).items() if name not in content}
    return kept | ({"size": CommandInput(fields).content_size} if content else {})


def _without_tokens(spec: CommandSpec, fields: JsonObject) -> JsonObject:
    """Returns the fields without `token`, which neither they nor an object among them may have."""
    given, kept = CommandInput(fields), without_token(fields)
    for field in spec.fields:
        if field.type is FieldType.OBJECT and "token" in (inner := given.object(field.name)):
            kept[field.name] = without_token(inner)
    return kept


def _failure(spec: CommandSpec, echoed: JsonObject, error: str, explanation: str) -> CommandOutcome:
    reason: JsonObject = {spec.reason: explanation} if spec.reason else {}
    return CommandOutcome(spec.failure, echoed | reason | {"error": error})
