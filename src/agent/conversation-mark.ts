/**
 * What an agent knows from its conversation alone, and must not forget when messages of it are dropped, such as which of
 * several agents has it. What shortens a conversation keeps it, as a note on a message that no provider reads.
 *
 * - M1 A mark says what held when its message was the last one: what comes after it may say otherwise.
 * - M2 It follows from the messages, so a replay makes the same (G2).
 */
import type { ModelMessage } from "ai";

/** What held, by the id of the agent that wants to know. */
export type ConversationMark = Readonly<Record<string, string>>;

/** Reads what holds at the end of a conversation. */
export type Marker = (messages: readonly ModelMessage[]) => ConversationMark;

/** Provider options are for the provider of their name, and this is none. */
const KEY = "restate-edge-agents";

/** By `prepareStep`, which agents that are made of an agent have too. */
const markers = new WeakMap<object, Marker>();

/** Says that agents with this `prepareStep` read `marker` out of their conversation. */
export function setMarker(prepareStep: object, marker: Marker): void {
  markers.set(prepareStep, marker);
}

/** How `agent` reads what it must not forget; undefined when there is nothing. */
export function markerOf(agent: object): Marker | undefined {
  const { settings } = agent as { readonly settings?: Readonly<Record<string, unknown>> };
  const prepareStep = settings?.["prepareStep"];
  return typeof prepareStep === "function" ? markers.get(prepareStep) : undefined;
}

/** What the message says of the agent `id`; undefined: nothing. */
export function markIn({ providerOptions }: ModelMessage, id: string): string | undefined {
  const mark = providerOptions?.[KEY];
  const value = mark !== undefined && Object.hasOwn(mark, id) ? mark[id] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** The messages with `mark` on the last one. */
export function withMark(messages: readonly ModelMessage[], mark: ConversationMark): ModelMessage[] {
  const last = messages.at(-1);
  if (last === undefined) return [];
  const known = last.providerOptions?.[KEY];
  return [
    ...messages.slice(0, -1),
    { ...last, providerOptions: { ...last.providerOptions, [KEY]: { ...known, ...mark } } },
  ];
}

/** `after`, which is made of `before`, with a mark where one is missing. */
export function keepMark(
  marker: Marker | undefined,
  before: readonly ModelMessage[],
  after: ModelMessage[],
): ModelMessage[] {
  if (marker === undefined) return after;
  const wanted = marker(before);
  const kept = marker(after);
  return Object.entries(wanted).every(([id, value]) => kept[id] === value) ? after : withMark(after, wanted);
}
