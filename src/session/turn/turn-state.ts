/** The state of a session, read and written with its types. */
import type { ModelMessage } from "ai";
import type { ObjectContext, ObjectSharedContext } from "../../restate.ts";
import { headSerde, type SessionHead } from "../session-head.ts";
import {
  HEAD_KEY,
  idKey,
  idSerde,
  type KnownId,
  messageKey,
  modelKey,
  modelSerde,
  type StoredTurn,
  summaryKey,
  summarySerde,
  turnKey,
  turnSerde,
} from "./stored-turn.ts";

type Reader = Pick<ObjectSharedContext, "get">;
type Writer = Pick<ObjectContext, "set" | "clearAll">;

/** Undefined for a session that nobody has spoken to. */
export async function readHead(context: Reader): Promise<SessionHead | undefined> {
  return (await context.get(HEAD_KEY, headSerde)) ?? undefined;
}

export function writeHead(context: Writer, head: SessionHead): void {
  context.set(HEAD_KEY, head, headSerde);
}

export async function readTurn(context: Reader, slot: number): Promise<StoredTurn | undefined> {
  return (await context.get(turnKey(slot), turnSerde)) ?? undefined;
}

export async function readModelMessages(context: Reader, slot: number): Promise<readonly ModelMessage[] | undefined> {
  return (await context.get(modelKey(slot), modelSerde)) ?? undefined;
}

/** Writes a turn that has ended, for good (H1). */
export function writeTurn(context: Writer, slot: number, turn: StoredTurn, messages: readonly ModelMessage[]): void {
  context.set(turnKey(slot), turn, turnSerde);
  context.set(modelKey(slot), messages, modelSerde);
}

export async function readSummary(context: Reader, upTo: number): Promise<string | undefined> {
  return (await context.get(summaryKey(upTo), summarySerde)) ?? undefined;
}

export function writeSummary(context: Writer, upTo: number, summary: string): void {
  context.set(summaryKey(upTo), summary, summarySerde);
}

/** The turn that has, or is, what this id names; undefined when no turn that has ended does. */
export async function readId(context: Reader, id: string): Promise<KnownId | undefined> {
  return (await context.get(idKey(id), idSerde)) ?? undefined;
}

/** The turn that answers the message of this id now; undefined: that of its own id, if there is one. */
export async function readMessageTurn(context: Reader, id: string): Promise<KnownId | undefined> {
  return (await context.get(messageKey(id), idSerde)) ?? undefined;
}

export function writeMessageTurn(context: Writer, id: string, known: KnownId): void {
  if (id !== known.turn) context.set(messageKey(id), known, idSerde);
}

export function writeId(context: Writer, id: string, known: KnownId): void {
  context.set(idKey(id), known, idSerde);
}
