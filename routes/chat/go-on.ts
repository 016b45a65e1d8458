/**
 * A client goes on with a turn that waits: it answers approvals, or brings the outputs of tools that it has executed.
 *
 * Who is late gets no error as long as the turn has more to tell: its stream says what was decided. When it has nothing, the
 * answer is 409: the AI SDK's client would take an empty one for a reason to send the same again.
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { isKeptBy, shardOf } from "../../src/approvals/approval-id.ts";
import type { AnswerRequest } from "../../src/approvals/approval-handlers.ts";
import type { SettleCalls } from "../../src/session/client-tools/call-object.ts";
import { answerIdOf } from "../../src/session/session-info.ts";
import { ApprovalClient } from "../approvals/approval-client.ts";
import { refuseOwn } from "../approvals/approval-view.ts";
import { callerOf } from "../caller.ts";
import { HttpProblem } from "../problem.ts";
import { type Conversation, valueOf } from "./chat-context.ts";
import { statusOf } from "./conversation.ts";
import { type ApprovalAnswer, type ChatRequest, isTooLarge, type ToolOutput, TURN_ID } from "./input.ts";
import { stepsOf } from "./turn-stream.ts";
import { findTurn } from "./send-turn.ts";
import { resultOf, streamTurn, turnOfAnswer } from "./turns.ts";

const ANSWER_MS = 15_000;

/** Who asks, and how. */
export interface GoOn {
  readonly context: Context;
  readonly conversation: Conversation;
  readonly until: "pause" | "end";
}

type ContinueRequest = Extract<ChatRequest, { kind: "continue" }>;

/**
 * Records answers and outputs, and goes on with the turn from where the client is.
 *
 * @throws HttpProblem `not-found` (404), `approval-not-found` (404), `approval-own` (403), `tool-call-not-pending` (409)
 */
export async function goOn(
  { context, conversation, until }: GoOn,
  { message, answers, outputs }: ContinueRequest,
): Promise<Response> {
  for (const answer of answers) await record(context, conversation, answer);
  const turn = turnOfAnswer(message.id);
  if (turn === undefined || !TURN_ID.test(turn)) throw unknownMessage();
  const settled = await settle(conversation, turn, outputs);
  const { turn: running, invocationId } = await statusOf(conversation);
  const ids = [...answers.map(({ id }) => id), ...outputs.map(({ toolCallId }) => toolCallId)];
  const request = { until, message, answered: { ids, steps: stepsOf(message) } };
  if (running !== undefined && invocationId !== undefined && answerIdOf(running) === message.id) {
    return streamTurn(conversation, { turn: running, invocationId }, request);
  }
  const ended = await findTurn(conversation, turn);
  if (ended === undefined) throw unknownMessage();
  if (answers.length === 0 && settled.length === 0) {
    const said = (await resultOf(conversation, ended))?.message;
    if (said !== undefined && stepsOf(said) <= stepsOf(message)) throw notPending();
  }
  return streamTurn(conversation, ended, request);
}

function unknownMessage(): HttpProblem {
  return new HttpProblem("not-found", 404, "The message that is answered is of no turn of this conversation");
}

function notPending(): HttpProblem {
  return new HttpProblem(
    "tool-call-not-pending",
    409,
    "No tool call of this message waits for an output: its turn has ended; send a new message",
  );
}

const answerResult = z.looseObject({ result: z.enum(["recorded", "decided", "unknown"]) });

/** Who is late gets no error: the turn's stream tells what was decided. */
async function record(context: Context, conversation: Conversation, answer: ApprovalAnswer): Promise<void> {
  const { info, key, ingress, headers, fourEyes } = conversation;
  const shard = shardOf(answer.id);
  if (fourEyes && answer.approved) {
    const asked = await new ApprovalClient(ingress, [info.approvals.name]).get(answer.id);
    // A message brings all that was answered in it along, also by others: of what is decided nothing changes.
    if (asked?.state === "pending") await refuseOwn(context, asked);
  }
  if (shard !== undefined && isKeptBy(answer.id, info.approvals.name)) {
    const input: AnswerRequest = {
      ...answer,
      answeredBy: callerOf(context),
      session: { service: info.name, key },
    };
    const target = { service: info.approvals.name, key: shard, handler: "answer" };
    const request = { body: JSON.stringify(input), headers, timeoutMs: ANSWER_MS };
    const { result } = answerResult.parse(valueOf(await ingress.call(target, request)));
    if (result !== "unknown") return;
  }
  throw new HttpProblem("approval-not-found", 404, "There is no such approval in this conversation");
}

const settledSchema = z.array(z.string());

/**
 * Brings outputs to the calls that wait for them. Of those that do not, which are most of a message's, nothing is taken; of
 * the others the output alone.
 *
 * @returns the ids of the calls that waited.
 */
async function settle(
  { info, key, ingress, headers }: Conversation,
  turn: string,
  outputs: readonly ToolOutput[],
): Promise<readonly string[]> {
  if (info.clientCalls === undefined || outputs.length === 0) return [];
  const taken = outputs.map((output) =>
    isTooLarge(output) ? { toolCallId: output.toolCallId, errorText: "Its output is larger than 256 KiB" } : output,
  );
  const input: SettleCalls = { turn, outputs: taken };
  const target = { service: info.clientCalls.name, key, handler: "settle" };
  const request = { body: JSON.stringify(input), headers, timeoutMs: ANSWER_MS };
  return settledSchema.parse(valueOf(await ingress.call(target, request)));
}
