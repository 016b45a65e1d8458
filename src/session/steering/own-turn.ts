/** A message for a running turn that no running turn has: it becomes a turn of its own, once. */
import { InvocationNotFoundError } from "../../errors/invocation-not-found-error.ts";
import { ownIngress } from "../../http/own-ingress.ts";
import { requirePlace } from "../../journal/ambient.ts";
import { jsonCodec } from "../../journal/codec.ts";
import { stepHostAt } from "../../journal/step.ts";
import type { ObjectSharedContext } from "../../restate.ts";
import type { UserMessage } from "../session-input.ts";
import { sentStepName } from "../session-steps.ts";
import type { SteerAnswer } from "../session-types.ts";
import type { Session } from "../session.ts";
import { MAX_LIVES, nextLife } from "../turn/next-life.ts";
import { readId } from "../turn/turn-state.ts";
import { sendTurn } from "./send-turn.ts";

/** Of a message that a turn which has ended has. */
export async function knownAnswer(context: ObjectSharedContext, id: string): Promise<SteerAnswer | undefined> {
  const known = await readId(context, id);
  return known === undefined ? undefined : { id, delivered: known.turn !== id, turn: known.turn };
}

/** How often this invocation has asked what became of a turn that it sent: names of steps are unique. */
export class Sent {
  #asked = 0;
  next(service: string): string {
    this.#asked += 1;
    return sentStepName(service, this.#asked);
  }
}

/** Sends it, once however often it is called: also when its id was used in a conversation that was deleted. */
export async function ownTurn(
  { name }: Session,
  context: ObjectSharedContext,
  message: UserMessage,
  sent: Sent = new Sent(),
): Promise<SteerAnswer> {
  const { id } = message;
  let turn = id;
  for (let life = 1; ; life += 1) {
    const invocationId = await sendTurn(context, name, message, turn).invocationId;
    const answer: SteerAnswer = { id, delivered: false, turn, invocationId };
    if (life === MAX_LIVES) return answer;
    const later = await afterIt(sent.next(name), name, { id, invocationId });
    if (later === null) return answer;
    const known = await readId(context, turn);
    if (known !== undefined && (known.invocationId ?? invocationId) === invocationId) return answer;
    turn = later;
  }
}

interface SentTurn {
  readonly id: string;
  readonly invocationId: string;
}

/** The id of a turn that comes after this one, should it be one of a deleted conversation; null while it goes on. */
async function afterIt(step: string, service: string, { id, invocationId }: SentTurn): Promise<string | null> {
  const ask = async (): Promise<string | null> => {
    try {
      const result = await ownIngress(`tell whether a message for ${service} is new`).output(invocationId);
      if (result === undefined) return null;
      // What was refused has left nothing, and would be refused again.
      if (result.kind === "failure" && result.errorCode === "invalid-input") return null;
      return await nextLife(id, invocationId);
    } catch (error) {
      if (InvocationNotFoundError.isInstance(error)) return null;
      throw error;
    }
  };
  return (await stepHostAt(requirePlace("a message for a conversation")).step(step, ask, jsonCodec)) as string | null;
}
