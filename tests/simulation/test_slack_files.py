"""Uploads to the simulated Slack."""

import json

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from entrypoints.simulation.slack.server import SlackServer
from tests.simulation.slack_app import error_of


@pytest.fixture
def ops(slack: SlackServer) -> str:
    slack.invite("ops", slack.bot_user_id)
    return slack.workspace.channel("ops").channel_id


async def test_the_sdk_uploads_a_file_and_shares_it(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    answer = await web.files_upload_v2(
        filename="log.txt", content="all is well", title="Log", channel=ops, initial_comment="here it is"
    )
    file_id = answer["files"][0]["id"]
    assert slack.files.by_id[file_id].content == b"all is well"
    message = slack.history(ops)[-1]
    assert (message["subtype"], message["text"]) == ("file_share", "here it is")
    assert [(file["id"], file["title"], file["size"]) for file in message["files"]] == [(file_id, "Log", 11)]
    assert (await web.files_info(file=file_id))["file"]["name"] == "log.txt"


@pytest.mark.parametrize("style", ["raw", "form"])
async def test_the_content_is_taken_raw_or_as_a_form(
    style: str, slack: SlackServer, web: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    answer = await web.files_getUploadURLExternal(filename="x.bin", length=3)
    data: object = b"\x00\x01\x02"
    if style == "form":
        data = aiohttp.FormData()
        data.add_field("filename", b"\x00\x01\x02", filename="x.bin")
    async with session.post(answer["upload_url"], data=data) as response:
        assert response.status == 200
    assert slack.files.by_id[answer["file_id"]].content == b"\x00\x01\x02"


async def test_without_a_channel_the_file_is_private(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    before = slack.history(ops)
    await web.files_upload_v2(filename="x", content="x")
    assert slack.history(ops) == before


async def test_a_file_is_shared_in_a_thread(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    parent = slack.say("alice", ops, "the log, please")
    await web.files_upload_v2(filename="x", content="x", channel=ops, thread_ts=parent)
    assert [message.get("subtype") for message in slack.history(ops, parent)] == [None, "file_share"]


async def test_an_upload_that_did_not_happen_cannot_be_completed(web: AsyncWebClient, ops: str) -> None:
    file_id = (await web.files_getUploadURLExternal(filename="x", length=1))["file_id"]
    for unknown in (file_id, "F404"):
        call = web.files_completeUploadExternal(files=[{"id": unknown}], channel_id=ops)
        assert await error_of(call) == "file_not_found"


async def test_an_upload_is_completed_once(web: AsyncWebClient) -> None:
    file_id = (await web.files_upload_v2(filename="x", content="x"))["files"][0]["id"]
    assert await error_of(web.files_completeUploadExternal(files=[{"id": file_id}])) == "file_not_found"


async def test_an_upload_address_takes_only_what_was_announced(
    slack: SlackServer, session: aiohttp.ClientSession
) -> None:
    async with session.post(f"{slack.url}/upload/v1/unknown", data=b"x") as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("files.getUploadURLExternal", {"filename": "x"}, "missing_argument"),
        ("files.getUploadURLExternal", {"filename": "", "length": 1}, "missing_argument"),
        ("files.getUploadURLExternal", {"filename": "x", "length": 1, "alt_txt": "x" * 1001}, "alt_txt_too_large"),
        ("files.completeUploadExternal", {}, "invalid_arguments"),
        ("files.completeUploadExternal", {"files": json.dumps([{"title": "x"}])}, "invalid_arguments"),
        ("files.info", {"file": "F404"}, "file_not_found"),
    ],
)
async def test_invalid_arguments_are_refused(
    method: str, arguments: dict[str, object], code: str, web: AsyncWebClient
) -> None:
    assert await error_of(web.api_call(method, json=arguments)) == code


async def test_a_file_cannot_be_shared_where_the_bot_is_not(web: AsyncWebClient) -> None:
    upload = web.files_upload_v2(filename="x", content="x", channel="C404")
    assert await error_of(upload) == "channel_not_found"


async def test_blocks_are_checked(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    file_id = (await web.files_getUploadURLExternal(filename="x", length=1))["file_id"]
    slack.files.by_id[file_id].content = b"x"
    call = {"files": [{"id": file_id}], "channel_id": ops, "blocks": [{"type": "sektion"}]}
    assert await error_of(web.api_call("files.completeUploadExternal", json=call)) == "invalid_blocks"


async def test_a_shared_file_tells_where_it_is_shared(slack: SlackServer, web: AsyncWebClient, ops: str) -> None:
    answer = await web.files_upload_v2(filename="log.txt", content="x", channel=ops)
    file = (await web.files_info(file=answer["files"][0]["id"]))["file"]
    assert file["shares"] == {"public": {ops: [{"ts": slack.history(ops)[-1]["ts"]}]}}
    assert file["permalink"].startswith("https://simulation.slack.com/files/")
