/**
 * Sends a turn, once for each message: a message's id is the id and the idempotency key of its turn, so that one that is
 * posted twice is one turn, and both get its stream.
 *
 * Restate keeps an invocation for longer than a conversation may last. When a message comes whose id was used in a
 * conversation that has been deleted since, Restate answers with the invocation of then; the session knows that it is none of
 * its turns, and the message gets a turn of another id (next-life.ts).
 */
import { z } from "@hono/zod-openapi";
import { InvocationNotFoundError } from "../../src/errors/invocation-not-found-error.ts";
import type { InvocationResult } from "../../src/ingress/result.ts";
import type { RegenerateTurn, SendMessage, SteerInput } from "../../src/session/session-types.ts";
import { MAX_LIVES, nextLife, shortHash } from "../../src/session/turn/next-life.ts";
import { sendOrSay } from "../agents/call.ts";
import { HttpProblem } from "../problem.ts";
import { callHandler, type Conversation, valueOf } from "./chat-context.ts";
import type { UserMessage } from "./input.ts";
import type { Turn } from "./turns.ts";

/** What ids of turns begin with whose message takes the place of another. */
const EDIT = "edit-";

/** Sends without waiting, once for each turn. */
export async function sendTurn(
  conversation: Conversation,
  input: (SendMessage | RegenerateTurn) & { readonly turn: string },
): Promise<Turn> {
  const { ingress, info, key, headers } = conversation;
  const target = { service: info.name, key, handler: "send" };
  let { turn } = input;
  for (let life = 1; ; life += 1) {
    const request = { body: JSON.stringify({ ...input, turn }), idempotencyKey: turn, headers };
    const { id, isNew } = await sendOrSay(() => ingress.send(target, request), input.turn);
    if (isNew || life === MAX_LIVES || (await isOfThisLife(conversation, turn, id))) return { turn, invocationId: id };
    turn = await nextLife(input.turn, id);
  }
}

/** The turn of this id, which is its idempotency key; undefined when there is none, or Restate has forgotten it. */
export async function findTurn(conversation: Conversation, turn: string): Promise<Turn | undefined> {
  const { ingress, info, key } = conversation;
  const invocationId = await ingress.lookup({ service: info.name, key, handler: "send" }, turn);
  return (await outputOf(conversation, invocationId)) === "forgotten" ? undefined : { turn, invocationId };
}

/** Undefined while it goes on, or is queued. */
async function outputOf(
  { ingress }: Conversation,
  invocationId: string,
): Promise<InvocationResult | "forgotten" | undefined> {
  try {
    return await ingress.output(invocationId);
  } catch (error) {
    if (error instanceof InvocationNotFoundError) return "forgotten";
    throw error;
  }
}

/** Whether an invocation that was sent before is a turn of the conversation as it is now. */
async function isOfThisLife(conversation: Conversation, turn: string, invocationId: string): Promise<boolean> {
  const result = await outputOf(conversation, invocationId);
  if (result === undefined || result === "forgotten") return true;
  // What was refused has left nothing, and would be refused again.
  if (result.kind === "failure" && result.errorCode === "invalid-input") return true;
  const found = await findKnown(conversation, { turn });
  return found !== undefined && (found.invocationId ?? invocationId) === invocationId;
}

const foundSchema = z
  .looseObject({
    turn: z.string(),
    invocationId: z.string().optional(),
    message: z.looseObject({ parts: z.array(z.unknown()) }).optional(),
    isPart: z.boolean(),
    // Absent in what older versions answer.
    isLast: z.boolean().optional(),
  })
  .nullable();

/** What `steer` answers. */
export const steerAnswer: z.ZodType<{
  readonly delivered: boolean;
  readonly turn: string;
  readonly invocationId?: string | undefined;
}> = z.looseObject({
  delivered: z.boolean(),
  turn: z.string(),
  invocationId: z.string().optional(),
});

/** Sends a message for the running turn without waiting, once for each message; the invocation of `steer`. */
export async function sendSteering(conversation: Conversation, message: UserMessage): Promise<string> {
  const { ingress, info, key, headers } = conversation;
  const { id } = message;
  const input: SteerInput = { id, message };
  const target = { service: info.name, key, handler: "steer" };
  let name = id;
  for (let life = 1; ; life += 1) {
    const request = { body: JSON.stringify(input), idempotencyKey: `steer:${name}`, headers };
    const { id: invocationId, isNew } = await sendOrSay(() => ingress.send(target, request), id);
    if (isNew || life === MAX_LIVES || (await isSteeringOfThisLife(conversation, id, invocationId)))
      return invocationId;
    name = await nextLife(id, invocationId);
  }
}

/** One that was killed or cancelled has not told what became of its message: the session knows, and is asked anew. */
async function isSteeringOfThisLife(conversation: Conversation, id: string, invocationId: string): Promise<boolean> {
  const result = await outputOf(conversation, invocationId);
  if (result === undefined || result === "forgotten") return true;
  if (result.kind === "failure") return result.errorCode === "invalid-input";
  const { turn, ...own } = steerAnswer.parse(valueOf(result));
  if (own.invocationId !== undefined) return isOfThisLife(conversation, turn, own.invocationId);
  // A turn that runs is not known by what was added to it.
  return ((await findKnown(conversation, { turn: id })) ?? (await findKnown(conversation, { turn }))) !== undefined;
}

async function findKnown(conversation: Conversation, wanted: { readonly turn: string } | { readonly message: string }) {
  return foundSchema.parse(await callHandler(conversation, "find", wanted)) ?? undefined;
}

/**
 * The turn of a message that takes the place of one with its id. It follows from what is replaced, and by what: so the same
 * twice is one turn, also when it has ended in between, and the same once more after others is another one. A message that
 * is edited without changing it ends what came after it, too.
 *
 * @throws HttpProblem `not-found` (404) when the conversation has no such message.
 */
export async function turnOfEdit(conversation: Conversation, message: UserMessage): Promise<string> {
  const found = await findKnown(conversation, { message: message.id });
  const queued = found === undefined ? await findTurn(conversation, message.id) : undefined;
  const isQueued = queued !== undefined && (await outputOf(conversation, queued.invocationId)) === undefined;
  if (found?.isPart !== true && !isQueued) {
    throw new HttpProblem(
      "not-found",
      404,
      `The conversation has no message "${message.id}" that could be replaced, or not any more: send it without messageId`,
    );
  }
  const parts = JSON.stringify(message.parts);
  const isSame = found !== undefined && JSON.stringify(found.message?.parts) === parts;
  if (isSame && (found.isLast !== false || found.turn.startsWith(EDIT))) return found.turn;
  return `${EDIT}${await shortHash(JSON.stringify([found?.turn ?? message.id, message.id, parts]))}`;
}
