/** Reading a conversation: its history, and the turns that the session itself asks for. */
import type { ModelMessage } from "ai";
import { z } from "zod";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import type { ObjectSharedContext } from "../restate.ts";
import { type SessionHead, slotsOf } from "./session-head.ts";
import { checkHistory } from "./session-input.ts";
import type { HistoryAnswer, SessionMessage } from "./session-types.ts";
import type { TurnsAnswer } from "./turn/past-turns.ts";
import { summaryMessages } from "./turn/prompt.ts";
import { readHead, readModelMessages, readSummary, readTurn } from "./turn/turn-state.ts";

const DEFAULT_LIMIT = 50;

/** @throws InvalidInputError (400) */
export async function history(
  service: string,
  context: ObjectSharedContext,
  rawInput: unknown,
): Promise<HistoryAnswer> {
  const { form = "ui", before, limit = DEFAULT_LIMIT } = checkHistory(service, rawInput);
  const head = await readHead(context);
  if (head === undefined) return { messages: [] };
  // What the running turn takes the place of is over.
  const end = Math.min(before ?? Infinity, head.running?.replaces ?? Infinity);
  const slots = slotsOf(head).filter((slot) => slot < end);
  return form === "ui" ? uiHistory(context, slots, limit) : modelHistory(context, head, slots, limit);
}

async function uiHistory(
  context: ObjectSharedContext,
  slots: readonly number[],
  limit: number,
): Promise<HistoryAnswer<SessionMessage>> {
  const { page, before } = lastPage(slots, limit);
  const turns = await Promise.all(page.map((slot) => readTurn(context, slot)));
  return { messages: turns.flatMap((turn) => turn?.messages ?? []), ...before };
}

/** What was summarised is there as its summary. */
async function modelHistory(
  context: ObjectSharedContext,
  { compaction }: SessionHead,
  slots: readonly number[],
  limit: number,
): Promise<HistoryAnswer<ModelMessage>> {
  const upTo = compaction?.upTo;
  const { page, before } = lastPage(
    slots.filter((slot) => upTo === undefined || slot > upTo),
    limit,
  );
  const turns = await Promise.all(page.map((slot) => readModelMessages(context, slot)));
  const messages = turns.flatMap((turn) => turn ?? []);
  if (upTo === undefined || before.before !== undefined) return { messages, ...before };
  return { messages: [...summaryMessages(await readSummary(context, upTo), compaction?.mark), ...messages] };
}

interface Page {
  readonly page: readonly number[];
  readonly before: { readonly before?: number };
}

function lastPage(slots: readonly number[], limit: number): Page {
  const page = slots.slice(-limit);
  const [first] = page;
  return { page, before: page.length < slots.length && first !== undefined ? { before: first } : {} };
}

/** More than past-turns.ts asks for at once. */
const MAX_SLOTS = 1_000;
const slotSchema = z.int().min(0);
const turnsSchema = z.object({
  epoch: z.string(),
  slots: z.array(slotSchema).max(MAX_SLOTS),
  summary: slotSchema.optional(),
});

/**
 * What past-turns.ts asks for. Of another epoch there is nothing.
 *
 * @throws InvalidInputError (400): others reach it, too, and what fails is repeated for ever.
 */
export async function turns(service: string, context: ObjectSharedContext, rawInput: unknown): Promise<TurnsAnswer> {
  const { success, data, error } = turnsSchema.safeParse(rawInput);
  if (!success) throw new InvalidInputError(`Cannot read the turns of ${service}: ${z.prettifyError(error)}`);
  const { epoch, slots, summary } = data;
  const head = await readHead(context);
  if (head?.epoch !== epoch) return { turns: [] };
  const messages = await Promise.all(slots.map((slot) => readModelMessages(context, slot)));
  const text = summary === undefined ? undefined : await readSummary(context, summary);
  return { turns: messages, ...(text === undefined ? {} : { summary: text }) };
}
