/** The chat's people and conversations, and their names. */

import { selection } from "./selection.js";

/** The workspace as the feed has it now. */
export class Workspace {
  constructor(feed) {
    this.feed = feed;
    this.everyone = feed.get("people") ?? [];
    this.conversations = feed.get("conversations") ?? [];
    this.bot = this.everyone.find((person) => person.is_bot);
    this.people = this.everyone.filter((person) => !person.is_bot);
    this.isSlackOnly = Boolean(feed.get("summary")?.is_slack_only); // whether the app is of any kind, without Flyte
  }

  /** What kind of app the bot is. */
  get app() {
    return this.isSlackOnly ? "app" : "pack";
  }

  /** The person who speaks. */
  get person() {
    return this.people.find((person) => person.id === selection.get("person")) ?? this.people[0];
  }

  /** The channels, public and private. */
  get channels() {
    return this.conversations.filter(({ kind }) => kind === "channel" || kind === "group");
  }

  /** The conversation that is shown: a channel or direct messages. */
  get conversation() {
    return this.conversations.find(({ id }) => id === selection.get("channel")) ?? this.channels[0];
  }

  /** The modal that the speaking person looks at, if any. */
  get modal() {
    return this.person && this.feed.get(`modal/${this.person.id}`);
  }

  /** Returns a person's direct messages with the bot, if they have been opened. */
  directMessagesOf(person) {
    return this.conversations.find(({ kind, members }) => kind === "im" && members.includes(person?.id));
  }

  /** Returns whether the bot is in a conversation. */
  hasBot(conversation) {
    return conversation.members.includes(this.bot?.id);
  }

  /** Returns a conversation's label: `#ops`, or `@flyte` for direct messages. */
  label(conversation) {
    if (conversation.kind !== "im") return `#${conversation.name}`;
    const other = this.people.find((person) => conversation.members.includes(person.id));
    return other && other.id !== this.person?.id ? `@${other.handle} with @${this.bot.handle}` : `@${this.bot.handle}`;
  }

  /** Returns the name behind a reference to a person (`@U1`) or a channel (`#C1`), with its sign. */
  nameOf = (reference) => {
    const [list, key] = reference.startsWith("@") ? [this.everyone, "handle"] : [this.conversations, "name"];
    const found = list.find(({ id }) => id === reference.slice(1));
    return found && reference[0] + found[key];
  };

  /** Returns a conversation's messages in order, each followed by its thread. */
  messagesIn(conversation) {
    const messages = this.feed
      .under(`message/${conversation.id}/`)
      .map(([ts, message]) => ({ key: `${conversation.id}/${ts}`, ts, ...message }))
      .filter(({ only_for: onlyFor }) => !onlyFor || onlyFor === this.person?.id);
    messages.sort((one, other) => (one.ts < other.ts ? -1 : 1));
    const replies = new Map(messages.map(({ ts }) => [ts, []]));
    const parents = messages.filter((message) => !replies.get(message.thread)?.push(message));
    return parents.flatMap((parent) => [parent, ...replies.get(parent.ts)]);
  }

  /** Returns a map from the bot's messages to what they reply to, by key. */
  repliedTo() {
    const causes = new Map();
    for (const [key, trace] of this.feed.under("trace/")) {
      for (const step of trace.steps) if (step.ts) causes.set(`${step.channel}/${step.ts}`, key);
    }
    return causes;
  }
}
