// A small app with Bolt for JavaScript that takes orders: by HTTP at PORT if it is set, otherwise by Socket Mode.
// `../python/app.py` is the same app in Python.

const { App } = require("@slack/bolt");

const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  signingSecret: process.env.SLACK_SIGNING_SECRET,
  socketMode: !process.env.PORT,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
});

const text = (content) => ({ type: "plain_text", text: content });

const form = (channel) => ({
  type: "modal",
  callback_id: "order",
  private_metadata: channel,
  title: text("Order"),
  submit: text("Order"),
  blocks: [
    {
      type: "input",
      block_id: "dish",
      label: text("Dish"),
      element: { type: "plain_text_input", action_id: "dish" },
    },
  ],
});

app.message("menu", async ({ message, say }) => {
  await say({
    text: "The menu",
    blocks: [
      { type: "section", text: { type: "mrkdwn", text: `<@${message.user}>, there is soup and pizza.` } },
      { type: "actions", elements: [{ type: "button", action_id: "call_waiter", text: text("Call the waiter") }] },
    ],
  });
});

app.action("call_waiter", async ({ ack, body, client, respond }) => {
  await ack();
  const comes = `The waiter comes to <@${body.user.id}>`;
  await client.chat.update({ channel: body.channel.id, ts: body.message.ts, text: comes, blocks: [] });
  await respond({ text: "Only a moment", response_type: "ephemeral", replace_original: false });
});

app.command("/order", async ({ ack, body, client }) => {
  await ack();
  await client.views.open({ trigger_id: body.trigger_id, view: form(body.channel_id) });
});

app.command("/hours", async ({ ack, command }) => {
  await ack(`Open from ${command.text} to 23:00`);
});

app.shortcut("order", async ({ ack, shortcut, client }) => {
  await ack();
  await client.views.open({ trigger_id: shortcut.trigger_id, view: form("#general") });
});

app.view("order", async ({ ack, body, view, client }) => {
  const dish = view.state.values.dish.dish.value;
  if (dish === "fish") {
    await ack({ response_action: "errors", errors: { dish: "There is no fish today" } });
    return;
  }
  await ack();
  await client.chat.postMessage({ channel: view.private_metadata, text: `<@${body.user.id}> ordered ${dish}` });
});

app.event("reaction_added", async ({ event, client }) => {
  await client.reactions.add({ channel: event.item.channel, timestamp: event.item.ts, name: "heart" });
});

app.message("bill", async ({ message, client }) => {
  await client.filesUploadV2({
    channel_id: message.channel,
    filename: "bill.txt",
    content: "pizza 9.00\n",
    initial_comment: "The bill",
  });
});

app.start(process.env.PORT);
