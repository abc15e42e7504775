"""A message element and a modal that tests of the simulated Slack share."""

from domain.json_values import JsonObject

BUTTON: JsonObject = {
    "type": "button",
    "action_id": "approve",
    "value": "yes",
    "text": {"type": "plain_text", "text": "Approve"},
}
MODAL: JsonObject = {
    "type": "modal",
    "callback_id": "ticket",
    "title": {"type": "plain_text", "text": "Ticket"},
    "submit": {"type": "plain_text", "text": "Send"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "summary",
            "label": {"type": "plain_text", "text": "Summary"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}
