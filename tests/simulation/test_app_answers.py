"""What the app's acknowledgements of interactions do in the simulated Slack."""

from collections.abc import Awaitable, Callable

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.delivery.interaction import InteractionState
from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.app_world import Responder, element, field, form
from tests.simulation.slack_app import Json

TITLE = form(field("Title", element("plain_text_input", "title")))
DONE = form(callback_id="done")
Submit = Callable[[Json], Awaitable[str]]


@pytest.fixture
async def submitted(slack: SlackServer, web: AsyncWebClient, responder: Responder) -> Submit:
    """Opens a modal for Alice and submits it to an app with this answer; returns its id."""

    async def submit(answer: Json) -> str:
        opened = await web.views_open(trigger_id=slack.new_trigger("alice"), view=TITLE)
        view_id = str(opened["view"]["id"])
        responder.answers.append(answer)
        submission = slack.submit("alice", view_id, {"Title": "Printer"})
        await slack.wait_for(lambda: submission.state is InteractionState.ACKNOWLEDGED)
        return view_id

    return submit


async def test_a_refused_submission_leaves_the_modal_open_with_the_errors(
    slack: SlackServer, submitted: Submit
) -> None:
    await submitted({"response_action": "errors", "errors": {"Title": "Taken"}})
    modal = slack.modal("alice")
    assert modal is not None
    assert modal.errors == {"Title": "Taken"}
    assert modal.view["state"]["values"]["Title"]["title"]["value"] == "Printer"


async def test_a_submission_can_be_answered_with_another_view_in_its_place(
    slack: SlackServer, submitted: Submit
) -> None:
    view_id = await submitted({"response_action": "update", "view": DONE})
    modal = slack.modal("alice")
    assert modal is not None
    assert (modal.view["id"], modal.view["callback_id"]) == (view_id, "done")


async def test_a_submission_can_be_answered_with_a_view_above_it(slack: SlackServer, submitted: Submit) -> None:
    view_id = await submitted({"response_action": "push", "view": DONE})
    pushed = slack.modal("alice")
    assert pushed is not None
    assert (pushed.view["callback_id"], pushed.view["previous_view_id"]) == ("done", view_id)

    slack.close_view("alice", pushed.view["id"])

    left = slack.modal("alice")
    assert left is not None
    assert left.view["id"] == view_id


async def test_an_answer_can_clear_all_modals(slack: SlackServer, submitted: Submit, responder: Responder) -> None:
    await submitted({"response_action": "push", "view": TITLE})
    pushed = slack.modal("alice")
    assert pushed is not None
    responder.answers.append({"response_action": "clear"})
    slack.submit("alice", pushed.view["id"], {"Title": "Scanner"})
    await slack.wait_for(lambda: slack.modal("alice") is None)


async def test_a_submission_with_a_malformed_answer_leaves_the_modal_open(
    slack: SlackServer, submitted: Submit
) -> None:
    await submitted({"response_action": "update", "view": {"type": "modal"}})
    modal = slack.modal("alice")
    assert modal is not None
    assert modal.failure == "invalid_arguments"


async def test_a_submission_that_does_not_arrive_leaves_the_modal_open(slack: SlackServer, web: AsyncWebClient) -> None:
    opened = await web.views_open(trigger_id=slack.new_trigger("alice"), view=TITLE)
    slack.submit("alice", opened["view"]["id"], {"Title": "Printer"})
    modal = slack.modal("alice")
    assert modal is not None
    assert modal.failure == "no connection"


async def test_a_command_is_answered_to_its_user_alone_or_in_the_channel(
    slack: SlackServer, responder: Responder
) -> None:
    responder.answers += [{"text": "on it"}, {"text": "deployed", "response_type": "in_channel"}]
    slack.run_command("alice", "ops", "/deploy")
    await slack.wait_for(lambda: slack.workspace.ephemerals)
    slack.run_command("alice", "ops", "/deploy")
    await slack.wait_for(lambda: slack.posts)

    [shown] = slack.workspace.ephemerals.values()
    assert (shown.user_id, shown.fields["text"]) == (slack.workspace.user("alice").user_id, "on it")
    assert slack.posts[0].text == "deployed"


async def test_a_command_that_is_not_acknowledged_tells_its_user(slack: SlackServer) -> None:
    slack.run_command("alice", "ops", "/deploy")
    [shown] = slack.workspace.ephemerals.values()
    assert shown.fields["text"] == "/deploy failed with the error “operation_timeout”"


async def test_an_updated_view_keeps_what_was_entered(slack: SlackServer, web: AsyncWebClient) -> None:
    view_id = str((await web.views_open(trigger_id=slack.new_trigger("alice"), view=TITLE))["view"]["id"])
    slack.fill(view_id, {"Title": "Printer"})
    await web.views_update(view_id=view_id, view=TITLE)
    values = slack.submit("alice", view_id).payload["view"]["state"]["values"]
    assert values["Title"]["title"]["value"] == "Printer"
