/** Keeps a conversation within what the model can read: older turns are replaced by a summary. */
import type { LanguageModel, ModelMessage } from "ai";
import { markerOf } from "../../agent/conversation-mark.ts";
import { RestateAgent } from "../../agent/restate-agent.ts";
import { InvalidInputError } from "../../errors/invalid-input-error.ts";
import { requirePlace } from "../../journal/ambient.ts";
import { jsonCodec } from "../../journal/codec.ts";
import { stepHostAt } from "../../journal/step.ts";
import { CancelledError, type ObjectContext, TerminalError } from "../../restate.ts";
import type { SessionHead } from "../session-head.ts";
import { modelOf, type Session } from "../session.ts";
import { compactStepName } from "../session-steps.ts";
import type { Past } from "./past-turns.ts";
import { promptOf } from "./prompt.ts";
import { transcriptOf } from "./transcript.ts";

/** A conversation before its next turn. */
export interface Conversation {
  readonly head: SessionHead;
  /** Of the turns of `past`. */
  readonly slots: readonly number[];
  readonly past: Past;
}

/** What has become of a conversation. */
export interface Compacted {
  readonly past: Past;
  /** The last slot that the new summary has; undefined when nothing was summarised. */
  readonly upTo: number | undefined;
}

const DEFAULT_KEEP_TURNS = 4;
const CHARACTERS_A_TOKEN = 4;
const INSTRUCTIONS =
  "You summarise conversations between a user and an assistant, so that the assistant can go on without reading them. Keep what the user wants, facts, names, numbers, decisions, results of tools, and what is still open. Write nothing else.";

/**
 * Summarises the older turns when the conversation is above its budget. A summary that fails for good is noted: the turn
 * goes on with all of the conversation, and may still fit.
 *
 * @throws CancelledError when the invocation is cancelled meanwhile (G5).
 */
export async function compact(
  session: Session,
  context: ObjectContext,
  { head, slots, past }: Conversation,
): Promise<Compacted> {
  const unchanged = { past, upTo: undefined };
  const { compaction } = session;
  if (compaction === undefined) return unchanged;
  const { maxTokens, keepTurns = DEFAULT_KEEP_TURNS } = compaction;
  const count = slots.length - keepTurns;
  if (count <= 0 || tokensOf(head, past) <= maxTokens) return unchanged;
  try {
    const summary = await summarize(session, past.turns.slice(0, count).flat(), past.summary);
    const mark = markerOf(session.agent())?.(promptOf({ ...past, turns: past.turns.slice(0, count) }));
    return { past: { summary, mark, turns: past.turns.slice(count) }, upTo: slots[count - 1] };
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof TerminalError)) throw error;
    context.console.warn(`The conversation ${session.name}/${context.key} could not be summarised`, error);
    return unchanged;
  }
}

/** As the provider counted them for the last turn; an estimate when it did not. */
function tokensOf({ contextTokens }: SessionHead, past: Past): number {
  return contextTokens ?? Math.ceil(JSON.stringify(past).length / CHARACTERS_A_TOKEN);
}

async function summarize(session: Session, messages: readonly ModelMessage[], previous?: string): Promise<string> {
  const own = session.compaction?.summarize;
  if (own === undefined) return summarizeByModel(session, messages, previous);
  const name = compactStepName(session.name);
  const host = stepHostAt(requirePlace("the compaction of a session"));
  const earlier = previous === undefined ? {} : { previous };
  const summary: unknown = await host.step(
    name,
    async ({ signal }) => own({ messages, ...earlier, signal }),
    jsonCodec,
  );
  return checkSummary(session, summary);
}

/** A run of its own, `<agent> summary`: durable like any other. */
async function summarizeByModel(
  session: Session,
  messages: readonly ModelMessage[],
  previous?: string,
): Promise<string> {
  const agent = session.agent();
  const model: LanguageModel = modelOf(agent);
  const summariser = new RestateAgent({ id: `${agent.name} summary`, model, instructions: INSTRUCTIONS });
  const earlier = previous === undefined ? "" : `<summary-until-here>\n${previous}\n</summary-until-here>\n\n`;
  const prompt = `${earlier}<conversation>\n${transcriptOf(messages)}\n</conversation>\n\nSummarise all of it.`;
  return checkSummary(session, (await summariser.generate({ prompt })).text);
}

function checkSummary({ name }: Session, summary: unknown): string {
  if (typeof summary === "string" && summary.trim() !== "") return summary;
  throw new InvalidInputError(
    `Cannot summarise a conversation of ${name}: the summary must be a text that is not empty`,
  );
}
