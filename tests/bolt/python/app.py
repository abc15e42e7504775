"""A small app with Bolt for Python that takes orders: by HTTP at PORT if it is set, otherwise by Socket Mode.

`../javascript/app.js` is the same app in JavaScript.
"""

import os

from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

client = WebClient(os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
app = App(client=client, signing_secret=os.environ["SLACK_SIGNING_SECRET"])

FORM = {
    "type": "modal",
    "callback_id": "order",
    "title": {"type": "plain_text", "text": "Order"},
    "submit": {"type": "plain_text", "text": "Order"},
    "blocks": [
        {
            "type": "input",
            "block_id": "dish",
            "label": {"type": "plain_text", "text": "Dish"},
            "element": {"type": "plain_text_input", "action_id": "dish"},
        }
    ],
}


@app.message("menu")
def show_menu(message, say):
    button = {"type": "button", "action_id": "call_waiter", "text": {"type": "plain_text", "text": "Call the waiter"}}
    say(
        text="The menu",
        blocks=[
            {"type": "section", "text": {"type": "mrkdwn", "text": f"<@{message['user']}>, there is soup and pizza."}},
            {"type": "actions", "elements": [button]},
        ],
    )


@app.action("call_waiter")
def call_waiter(ack, body, client, respond):
    ack()
    channel, ts = body["channel"]["id"], body["message"]["ts"]
    client.chat_update(channel=channel, ts=ts, text=f"The waiter comes to <@{body['user']['id']}>", blocks=[])
    respond("Only a moment", response_type="ephemeral", replace_original=False)


@app.command("/order")
def open_form(ack, body, client):
    ack()
    client.views_open(trigger_id=body["trigger_id"], view={**FORM, "private_metadata": body["channel_id"]})


@app.command("/hours")
def tell_hours(ack, command):
    ack(f"Open from {command['text']} to 23:00")


@app.shortcut("order")
def open_form_in_general(ack, shortcut, client):
    ack()
    client.views_open(trigger_id=shortcut["trigger_id"], view={**FORM, "private_metadata": "#general"})


@app.view("order")
def take_order(ack, body, view, client):
    dish = view["state"]["values"]["dish"]["dish"]["value"]
    if dish == "fish":
        ack(response_action="errors", errors={"dish": "There is no fish today"})
        return
    ack()
    client.chat_postMessage(channel=view["private_metadata"], text=f"<@{body['user']['id']}> ordered {dish}")


@app.event("reaction_added")
def thank(event, client):
    item = event["item"]
    client.reactions_add(channel=item["channel"], timestamp=item["ts"], name="heart")


@app.message("bill")
def upload_bill(message, client):
    client.files_upload_v2(
        channel=message["channel"], filename="bill.txt", content="pizza 9.00\n", initial_comment="The bill"
    )


if __name__ == "__main__":
    if "PORT" in os.environ:
        app.start(port=int(os.environ["PORT"]))
    else:
        SocketModeHandler(app, os.environ["SLACK_APP_TOKEN"]).start()
