/** Forgetting a conversation: when somebody asks for it, or nobody has come back to it. */
import { requirePlace } from "../journal/ambient.ts";
import { jsonCodec } from "../journal/codec.ts";
import { stepHostAt } from "../journal/step.ts";
import type { StepOptions } from "../journal/step-host.ts";
import { CancelledError, type ObjectContext, TerminalError } from "../restate.ts";
import { streamIdOf } from "./session-info.ts";
import { forgetStepName } from "./session-steps.ts";
import { jsonSerde } from "./json-serde.ts";
import { newHead, type SessionHead } from "./session-head.ts";
import type { Session } from "./session.ts";
import { type ExpireInput, sendExpire } from "./turn/after-turn.ts";
import { idKey } from "./turn/stored-turn.ts";
import { readHead, writeHead } from "./turn/turn-state.ts";

/** Streams that one step removes: each is a request. */
const STREAMS_A_STEP = 25;
/** A store that is away must not keep the next conversation waiting: what it has is forgotten by its own retention. */
const REMOVE_TRIES: StepOptions = { maxRetryAttempts: 5, initialRetryInterval: 200 };
const ID_PREFIX = idKey("");

/** What begins afterwards is another conversation, of another epoch (H2). */
export async function reset(session: Session, context: ObjectContext): Promise<void> {
  const head = await readHead(context);
  if (head === undefined) return;
  // Who begins anew does not get a new budget.
  const next = head.budget === undefined ? undefined : { ...newHead(context.rand.uuidv4()), budget: head.budget };
  await forget(session, context, next);
}

/** Called by the session's own timer: forgets it when it has been idle for long enough, and comes back later if not. */
export async function expire(session: Session, context: ObjectContext, { epoch }: ExpireInput): Promise<void> {
  const { expiryMs } = session;
  const head = await readHead(context);
  if (head === undefined || head.epoch !== epoch) return;
  if (expiryMs === undefined) {
    // This version forgets nothing; a later one may, and needs a timer of its own.
    writeHead(context, { ...head, expiryWatched: undefined });
    return;
  }
  const now = await context.date.now();
  const idleMs = now - Date.parse(head.lastEndedAt ?? new Date(0).toISOString());
  if (idleMs < expiryMs) sendExpire(context, session.name, epoch, expiryMs - idleMs);
  else await forget(session, context);
}

/** @param next What the next conversation begins with, if there is something. */
async function forget(session: Session, context: ObjectContext, next?: SessionHead): Promise<void> {
  const { streams, name, inbox, clientCalls } = session;
  // Names alone: also of turns that the conversation has gone on without.
  const keys = streams === undefined ? [] : await context.stateKeys();
  const ids = keys.flatMap((key) => (key.startsWith(ID_PREFIX) ? [key.slice(ID_PREFIX.length)] : [])).toSorted();
  context.clearAll();
  if (next !== undefined) writeHead(context, next);
  for (const service of [inbox, clientCalls?.object]) {
    if (service === undefined) continue;
    context.genericSend({ service, key: context.key, method: "forget", parameter: null, inputSerde: jsonSerde });
  }
  if (streams === undefined) return;
  const host = stepHostAt(requirePlace("a session"));
  for (let n = 1; (n - 1) * STREAMS_A_STEP < ids.length; n += 1) {
    const page = ids.slice((n - 1) * STREAMS_A_STEP, n * STREAMS_A_STEP);
    const remove = async (): Promise<undefined> => {
      await Promise.all(page.map((id) => streams.remove(streamIdOf(name, context.key, id))));
      return undefined;
    };
    try {
      await host.step(forgetStepName(name, n), remove, jsonCodec, REMOVE_TRIES);
    } catch (error) {
      if (error instanceof CancelledError || !(error instanceof TerminalError)) throw error;
      context.console.warn(`Streams of the conversation ${name}/${context.key} were not removed`, error);
    }
  }
}
