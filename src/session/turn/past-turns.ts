/**
 * What the model is given of the turns before this one.
 *
 * Restate's state would be the plain way, and would not do: state that is sent along goes with every request of the
 * turn, and state that is read lazily becomes part of the journal, which also goes with every request. So a
 * conversation of 200 turns would upload itself again and again.
 *
 * A turn that has ended never changes (H1, H2), so it may be read outside of the journal: each attempt reads the same
 * (G2). It comes from this isolate's memory, or from the session's own handler `turns`, through Restate's ingress.
 *
 * - P1 Only slots of this epoch that are older than the running turn are read. The turn holds the session's lock, so
 *   nobody can reset it meanwhile.
 * - P2 What cannot be read fails the attempt, not the turn: Restate tries again (G6).
 */
import type { ModelMessage } from "ai";
import type { ConversationMark } from "../../agent/conversation-mark.ts";
import { readMessage } from "../../errors/read-error.ts";
import { ownIngress } from "../../http/own-ingress.ts";
import { decodeValue } from "../../journal/codec.ts";
import { type TurnCache, turnCache } from "./turn-cache.ts";

/** Which conversation. */
export interface Conversation {
  readonly service: string;
  readonly key: string;
  readonly epoch: string;
}

/** What is wanted of it. */
export interface PastWanted {
  /** In order. */
  readonly slots: readonly number[];
  /** The last slot that the summary has; undefined when there is none. */
  readonly summary: number | undefined;
}

/** What the model is given of the past. */
export interface Past {
  readonly summary: string | undefined;
  /** What the agent must not forget of the turns that the summary has. */
  readonly mark?: ConversationMark | undefined;
  /** One list a turn, in order. */
  readonly turns: readonly (readonly ModelMessage[])[];
}

/** What the handler `turns` takes. */
export interface TurnsInput {
  readonly epoch: string;
  readonly slots: readonly number[];
  readonly summary?: number | undefined;
}

/** What the handler `turns` answers: undefined for what is not there, or of another epoch. */
export interface TurnsAnswer {
  readonly turns: readonly (readonly ModelMessage[] | undefined)[];
  readonly summary?: string | undefined;
}

/** Reads what this isolate does not know. */
export type ReadTurns = (conversation: Conversation, wanted: TurnsInput) => Promise<TurnsAnswer>;

/** Turns that are read with one request. */
const PAGE = 50;
const READ_TIMEOUT_MS = 30_000;

/** @throws Error when something of it cannot be read (P2). */
export async function readPast(
  conversation: Conversation,
  { slots, summary }: PastWanted,
  read: ReadTurns = readThroughIngress,
  cache: TurnCache = turnCache,
): Promise<Past> {
  const found = new Map<number, readonly ModelMessage[]>();
  for (const slot of slots) {
    const known = cache.get(turnName(conversation, slot));
    if (known !== undefined && typeof known !== "string") found.set(slot, known);
  }
  const known = summary === undefined ? undefined : cache.get(summaryName(conversation, summary));
  let text = typeof known === "string" ? known : undefined;
  const missing = slots.filter((slot) => !found.has(slot));
  const needsSummary = summary !== undefined && text === undefined;
  for (let from = 0; from < missing.length || (from === 0 && needsSummary); from += PAGE) {
    const page = missing.slice(from, from + PAGE);
    const isFirst = from === 0 && needsSummary;
    const answer = await read(conversation, {
      epoch: conversation.epoch,
      slots: page,
      ...(isFirst ? { summary } : {}),
    });
    for (const [index, slot] of page.entries()) {
      const messages = answer.turns[index];
      if (messages === undefined) throw notThere(conversation, `turn ${slot}`);
      found.set(slot, messages);
      cache.set(turnName(conversation, slot), messages);
    }
    if (!isFirst) continue;
    if (answer.summary === undefined) throw notThere(conversation, "the summary");
    text = answer.summary;
    cache.set(summaryName(conversation, summary), text);
  }
  return { summary: text, turns: slots.map((slot) => found.get(slot) ?? []) };
}

/** Remembers a turn that has ended, for the next one. */
export function rememberTurn(conversation: Conversation, slot: number, messages: readonly ModelMessage[]): void {
  turnCache.set(turnName(conversation, slot), messages);
}

/** Remembers a summary. */
export function rememberSummary(conversation: Conversation, upTo: number, summary: string): void {
  turnCache.set(summaryName(conversation, upTo), summary);
}

function turnName({ service, key, epoch }: Conversation, slot: number): string {
  return JSON.stringify([service, key, epoch, slot]);
}

function summaryName({ service, key, epoch }: Conversation, upTo: number): string {
  return JSON.stringify([service, key, epoch, "summary", upTo]);
}

async function readThroughIngress({ service, key }: Conversation, wanted: TurnsInput): Promise<TurnsAnswer> {
  const ingress = ownIngress(`read the earlier turns of ${service}`);
  const body = JSON.stringify(wanted);
  const cannot = `Cannot read the earlier turns of ${service}/${key}`;
  let result: Awaited<ReturnType<typeof ingress.call>>;
  try {
    result = await ingress.call({ service, key, handler: "turns" }, { body, timeoutMs: READ_TIMEOUT_MS });
  } catch (error) {
    // A refusal is terminal where it ends a call; here it may pass (P2), as while a deployment is registered.
    throw new Error(`${cannot}: ${readMessage(error)}`, { cause: error });
  }
  if (result.kind === "success") return decodeValue(new Uint8Array(result.bytes)) as TurnsAnswer;
  throw new Error(
    `${cannot}: its handler "turns" answered ${result.kind === "failure" ? result.message : result.kind}`,
  );
}

/** Not terminal: a turn that is not there yet may be there for the next attempt, and a dead attempt must end quietly. */
function notThere({ service, key }: Conversation, what: string): Error {
  return new Error(
    `Cannot read ${what} of ${service}/${key}: it is not there; was the session's state edited by hand?`,
  );
}
