/**
 * What a session knows of itself without reading its turns. Small, however long the conversation: it goes with the
 * requests of each turn.
 *
 * - H1 Slots. Each turn is stored in a slot of its own, numbered from 0, and never written again. A turn that is run
 *   again, or whose message is replaced, gets a new slot; the old one and all after it are no longer part of the
 *   conversation, and stay where they are.
 * - H2 Epochs. What forgets the conversation begins a new epoch, with a random name. So (key, epoch, slot) names the
 *   same content for ever, and may be cached.
 * - H3 The stored form is a contract between versions: it only ever gains optional fields, or another `v`.
 */
import type { LanguageModelUsage } from "ai";
import { z } from "zod";
import { NO_USAGE } from "../agent/usage.ts";
import type { ConversationMark } from "../agent/conversation-mark.ts";
import type { BudgetState } from "../agent/budget/budget-meter.ts";
import { decodeValue, encodeValue } from "../journal/codec.ts";
import type { Serde } from "../restate.ts";
import type { UserMessage } from "./session-input.ts";

/** Slots from the first to the last of both. */
export type SlotRange = readonly [first: number, last: number];

/** The turn that runs. */
export interface RunningTurn {
  readonly turn: string;
  readonly slot: number;
  readonly invocationId: string;
  /** ISO 8601 */
  readonly startedAt: string;
  readonly message: UserMessage;
  /** The slot that it takes the place of, with all after it. */
  readonly replaces?: number | undefined;
}

/** How far the conversation has been summarised. */
export interface CompactionMark {
  /** The last slot that the summary has. */
  readonly upTo: number;
  /** What the agent must not forget of what the summary has. Absent: a version that did not note it has summarised. */
  readonly mark?: ConversationMark | undefined;
}

/** See the head of this file. */
export interface SessionHead {
  readonly epoch: string;
  readonly nextSlot: number;
  /** Slots of the conversation, in order. */
  readonly slots: readonly SlotRange[];
  readonly usage: LanguageModelUsage;
  readonly running?: RunningTurn | undefined;
  readonly title?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly compaction?: CompactionMark | undefined;
  /** How much of its budget the conversation has used, and what people have allowed beyond it. */
  readonly budget?: BudgetState | undefined;
  /** Tokens of the conversation, as the last model step counted them. */
  readonly contextTokens?: number | undefined;
  /** Files of turns that cannot be had any more; see lost-files.ts. */
  readonly lostFiles?: readonly string[] | undefined;
  /** When the last turn ended, as ISO 8601. */
  readonly lastEndedAt?: string | undefined;
  /** True while a timer looks after the session's expiry. */
  readonly expiryWatched?: boolean | undefined;
}

/** The head of a session that nobody has spoken to. */
export function newHead(epoch: string): SessionHead {
  return { epoch, nextSlot: 0, slots: [], usage: NO_USAGE };
}

/** All slots of the conversation, in order. */
export function slotsOf({ slots }: SessionHead): number[] {
  return slots.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
}

/** How many turns the conversation has. */
export function turnCount({ slots }: SessionHead): number {
  return slots.reduce((count, [first, last]) => count + last - first + 1, 0);
}

/** The slot of the last turn. */
export function lastSlot({ slots }: SessionHead): number | undefined {
  return slots.at(-1)?.[1];
}

/** Slots that the model is given as they are, in order: those that no summary has. */
export function slotsOfPrompt(head: SessionHead): number[] {
  const after = head.compaction?.upTo ?? -1;
  return slotsOf(head).filter((slot) => slot > after);
}

/** The head when a turn has ended and is stored in `slot`; with `replaces` in the place of that slot and all after it. */
export function withTurn(head: SessionHead, slot: number, replaces?: number): SessionHead {
  const { running: _, ...rest } = head;
  const kept = replaces === undefined ? head.slots : slotsBefore(head.slots, replaces);
  return { ...rest, nextSlot: Math.max(head.nextSlot, slot + 1), slots: withSlot(kept, slot) };
}

function withSlot(slots: readonly SlotRange[], slot: number): SlotRange[] {
  const last = slots.at(-1);
  return last?.[1] === slot - 1 ? [...slots.slice(0, -1), [last[0], slot]] : [...slots, [slot, slot]];
}

function slotsBefore(slots: readonly SlotRange[], slot: number): SlotRange[] {
  return slots.flatMap(([first, last]): SlotRange[] => (first < slot ? [[first, Math.min(last, slot - 1)]] : []));
}

/** What a turn begins with that takes the place of `slot` and all after it: no summary may have them. */
export function cutAt(head: SessionHead, slot: number): SessionHead {
  const { compaction, contextTokens: _, ...rest } = head;
  if (slot === lastSlot(head)) return head;
  return compaction === undefined || compaction.upTo >= slot ? rest : { ...rest, compaction };
}

const range = z.tuple([z.int(), z.int()]);
const schema = z.looseObject({
  v: z.literal(1),
  epoch: z.string(),
  nextSlot: z.int().min(0),
  slots: z.array(range),
  usage: z.looseObject({ inputTokens: z.number().optional(), outputTokens: z.number().optional() }),
  running: z
    .looseObject({ turn: z.string(), slot: z.int(), invocationId: z.string(), startedAt: z.string() })
    .optional(),
});

/** How a head is stored. */
export const headSerde: Serde<SessionHead> = {
  contentType: "application/json",
  serialize: (head) => encodeValue({ v: 1, ...head }),
  deserialize: (bytes) => readHead(decodeValue(bytes)),
};

function readHead(stored: unknown): SessionHead {
  const parsed = schema.safeParse(stored);
  if (!parsed.success) {
    throw new Error(
      `Cannot read this session: it was written by a newer version of restate-edge-agents; deploy that version again: ${z.prettifyError(parsed.error).slice(0, 300)}`,
    );
  }
  const { v: _, ...head } = parsed.data;
  return { ...head, usage: { ...NO_USAGE, ...head.usage } } as unknown as SessionHead;
}
