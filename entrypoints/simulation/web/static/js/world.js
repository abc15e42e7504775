/** Who and what is on the board, and how people call it. */

import { choice } from "./choice.js";

/** The workspace as the board has it now. */
export class World {
  constructor(board) {
    this.board = board;
    this.everybody = board.get("people") ?? [];
    this.rooms = board.get("rooms") ?? [];
    this.bot = this.everybody.find((person) => person.is_bot);
    this.people = this.everybody.filter((person) => !person.is_bot);
  }

  /** The person who talks. */
  get person() {
    return this.people.find((person) => person.id === choice.get("person")) ?? this.people[0];
  }

  /** The channels, public and private. */
  get channels() {
    return this.rooms.filter((room) => room.kind === "channel" || room.kind === "group");
  }

  /** The room that is looked at. */
  get room() {
    return this.rooms.find((room) => room.id === choice.get("room")) ?? this.channels[0];
  }

  /** Somebody's direct messages with the bot, if there are any yet. */
  directOf(person) {
    return this.rooms.find((room) => room.kind === "im" && room.members.includes(person?.id));
  }

  /** Whether the bot is in a room. */
  hasBot(room) {
    return room.members.includes(this.bot?.id);
  }

  /** How a room is called: `#ops`, or `@flyte` for direct messages. */
  label(room) {
    if (room.kind !== "im") return `#${room.name}`;
    const other = this.people.find((person) => room.members.includes(person.id));
    return other && other.id !== this.person?.id ? `@${other.handle} with @${this.bot.handle}` : `@${this.bot.handle}`;
  }

  /** The name of a person (`@U1`) or a channel (`#C1`), with its sign. */
  name = (reference) => {
    const [list, key] = reference.startsWith("@") ? [this.everybody, "handle"] : [this.rooms, "name"];
    const found = list.find((one) => one.id === reference.slice(1));
    return found && reference[0] + found[key];
  };

  /** The messages of a room: those of its own in their order, each followed by its thread. */
  messagesOf(room) {
    const all = this.board.under(`message/${room.id}/`).map(([ts, card]) => ({ key: `${room.id}/${ts}`, ts, card }));
    all.sort((one, other) => (one.ts < other.ts ? -1 : 1));
    const threads = new Map(all.map((message) => [message.ts, []]));
    const heads = all.filter((message) => !threads.get(message.card.thread)?.push(message));
    return heads.flatMap((head) => [head, ...threads.get(head.ts)]);
  }

  /** Whose way the bot's posts belong to: the key of the message that caused each, by the key of the post. */
  causes() {
    const causes = new Map();
    for (const [key, way] of this.board.under("way/")) {
      for (const station of way.stations) if (station.kind === "sent") causes.set(`${station.room}/${station.ts}`, key);
    }
    return causes;
  }
}
