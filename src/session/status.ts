/** What a session tells of itself, and what others may change. */
import { NO_USAGE } from "../agent/usage.ts";
import { InvocationNotFoundError } from "../errors/invocation-not-found-error.ts";
import { ownIngress } from "../http/own-ingress.ts";
import { requirePlace } from "../journal/ambient.ts";
import { jsonCodec } from "../journal/codec.ts";
import { stepHostAt } from "../journal/step.ts";
import type { ObjectContext, ObjectSharedContext } from "../restate.ts";
import { newHead, type SessionHead, turnCount } from "./session-head.ts";
import { checkUpdate } from "./session-input.ts";
import { aliveStepName } from "./session-steps.ts";
import type { SessionStatus } from "./session-types.ts";
import type { Session } from "./session.ts";
import { watchExpiry } from "./turn/after-turn.ts";
import { readHead, writeHead } from "./turn/turn-state.ts";

/** Whether a turn runs is checked: the note that it does is still there when its invocation was killed. */
export async function status(session: Session, context: ObjectSharedContext): Promise<SessionStatus> {
  const head = await readHead(context);
  if (head === undefined) return { state: "idle", usage: NO_USAGE, turns: 0 };
  const { running } = head;
  return statusOf(head, running !== undefined && (await isAlive(session, running.invocationId)));
}

/** @throws InvalidInputError (400) */
export async function update(session: Session, context: ObjectContext, rawInput: unknown): Promise<SessionStatus> {
  const { title, metadata } = checkUpdate(session.name, rawInput);
  const head = (await readHead(context)) ?? newHead(context.rand.uuidv4());
  const changed: SessionHead = {
    ...head,
    title: title === undefined ? head.title : (title ?? undefined),
    metadata: metadata === undefined ? head.metadata : (metadata ?? undefined),
  };
  const watched = watchExpiry(session, context, changed);
  writeHead(context, watched);
  return statusOf(watched, false);
}

/** @param isRunning Whether the turn of `running` still lives. */
export function statusOf(head: SessionHead, isRunning: boolean): SessionStatus {
  const { running, title, metadata, usage, budget } = head;
  return {
    state: isRunning ? "running" : "idle",
    ...(running === undefined || !isRunning
      ? {}
      : {
          turn: running.turn,
          invocationId: running.invocationId,
          startedAt: running.startedAt,
          message: running.message,
        }),
    ...(title === undefined ? {} : { title }),
    ...(metadata === undefined ? {} : { metadata }),
    usage,
    ...(budget?.spent === undefined ? {} : { spent: budget.spent }),
    turns: turnCount(head),
  };
}

async function isAlive({ name }: Session, invocationId: string): Promise<boolean> {
  const ask = async (): Promise<boolean> => {
    try {
      return (await ownIngress(`tell whether a turn of ${name} runs`).output(invocationId)) === undefined;
    } catch (error) {
      if (error instanceof InvocationNotFoundError) return false;
      throw error;
    }
  };
  return (await stepHostAt(requirePlace("status")).step(aliveStepName(name), ask, jsonCodec)) === true;
}
