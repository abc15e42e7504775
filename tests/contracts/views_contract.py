"""The contract of every Views."""

import pytest

from domain.errors import ChatRejected
from domain.json_values import JsonObject
from tests.contracts.chat_environment import FullChatEnvironment

TEXT: JsonObject = {"type": "plain_text", "text": "Deploy"}


def modal(**more: str) -> JsonObject:
    return {"type": "modal", "title": TEXT, "blocks": [], **more}


def home(**more: str) -> JsonObject:
    return {"type": "home", "blocks": [], **more}


class ViewsContract:
    @pytest.fixture
    def environment(self) -> FullChatEnvironment:
        raise NotImplementedError

    async def test_a_trigger_opens_a_modal(self, environment: FullChatEnvironment) -> None:
        view = await environment.chat.open_view(environment.new_trigger(), modal(callback_id="deploy"))

        assert view.hash
        assert environment.view_content(view.id)["callback_id"] == "deploy"

    async def test_a_trigger_serves_once(self, environment: FullChatEnvironment) -> None:
        trigger = environment.new_trigger()
        await environment.chat.open_view(trigger, modal())

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.open_view(trigger, modal())

        assert refusal.value.code == "exchanged_trigger_id"
        assert trigger not in str(refusal.value)

    async def test_a_trigger_expires_after_three_seconds(self, environment: FullChatEnvironment) -> None:
        trigger = environment.new_trigger()
        environment.shift_clock(4)

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.open_view(trigger, modal())

        assert refusal.value.code == "expired_trigger_id"

    async def test_an_unknown_trigger_is_rejected(self, environment: FullChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.open_view("12.34.56", modal())
        assert refusal.value.code == "invalid_trigger_id"

    @pytest.mark.parametrize("by", ["view_id", "external_id"])
    async def test_a_view_is_replaced_by_either_of_its_ids(self, environment: FullChatEnvironment, by: str) -> None:
        opened = await environment.chat.open_view(environment.new_trigger(), modal(external_id="mine"))
        ids = {"view_id": opened.id if by == "view_id" else "", "external_id": "mine" if by == "external_id" else ""}

        updated = await environment.chat.update_view(
            modal(external_id="mine", callback_id="second"), **ids, view_hash=""
        )

        assert updated.id == opened.id
        assert updated.hash != opened.hash
        assert environment.view_content(opened.id)["callback_id"] == "second"

    async def test_a_view_is_replaced_only_if_it_has_not_changed_since(self, environment: FullChatEnvironment) -> None:
        opened = await environment.chat.open_view(environment.new_trigger(), modal())
        await environment.chat.update_view(modal(), view_id=opened.id, external_id="", view_hash=opened.hash)

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.update_view(modal(), view_id=opened.id, external_id="", view_hash=opened.hash)

        assert refusal.value.code == "hash_conflict"

    async def test_a_view_that_is_unknown_is_not_found(self, environment: FullChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.update_view(modal(), view_id="VNONE", external_id="", view_hash="")
        assert refusal.value.code == "not_found"

    async def test_an_external_id_belongs_to_one_view(self, environment: FullChatEnvironment) -> None:
        await environment.chat.open_view(environment.new_trigger(), modal(external_id="mine"))

        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.open_view(environment.new_trigger(), modal(external_id="mine"))

        assert refusal.value.code == "duplicate_external_id"

    async def test_a_home_tab_is_published_again_and_again(self, environment: FullChatEnvironment) -> None:
        first = await environment.chat.publish_home(environment.person, home(callback_id="first"))
        second = await environment.chat.publish_home(environment.person, home(callback_id="second"))

        assert first.id == second.id
        assert environment.view_content(first.id)["callback_id"] == "second"

    async def test_a_home_tab_needs_a_user(self, environment: FullChatEnvironment) -> None:
        with pytest.raises(ChatRejected) as refusal:
            await environment.chat.publish_home("UNOBODY", home())
        assert refusal.value.code == "user_not_found"
