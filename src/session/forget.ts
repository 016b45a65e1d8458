/** Forgetting a conversation: when somebody asks for it, or nobody has come back to it. */
import { requirePlace } from "../journal/ambient.ts";
import { jsonCodec } from "../journal/codec.ts";
import { stepHostAt } from "../journal/step.ts";
import type { ObjectContext } from "../restate.ts";
import { streamIdOf } from "./session-info.ts";
import { forgetStepName } from "./session-steps.ts";
import { newHead, type SessionHead, slotsOf } from "./session-head.ts";
import type { Session } from "./session.ts";
import { type ExpireInput, sendExpire } from "./turn/after-turn.ts";
import { readHead, readTurn, writeHead } from "./turn/turn-state.ts";

/** Streams that are removed with their conversation. */
const LAST_STREAMS = 20;

/** What begins afterwards is another conversation, of another epoch (H2). */
export async function reset(session: Session, context: ObjectContext): Promise<void> {
  const head = await readHead(context);
  if (head === undefined) return;
  await forget(session, context, head);
  // Who begins anew does not get a new budget.
  if (head.budget !== undefined) writeHead(context, { ...newHead(context.rand.uuidv4()), budget: head.budget });
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
  else await forget(session, context, head);
}

async function forget(session: Session, context: ObjectContext, head: SessionHead): Promise<void> {
  const { streams, name } = session;
  // Older streams have been forgotten by their store.
  const slots = streams === undefined ? [] : slotsOf(head).slice(-LAST_STREAMS);
  const turns = await Promise.all(slots.map((slot) => readTurn(context, slot)));
  context.clearAll();
  if (streams === undefined) return;
  const remove = async (): Promise<undefined> => {
    const ids = turns.flatMap((turn) => (turn === undefined ? [] : [streamIdOf(name, context.key, turn.turn)]));
    await Promise.allSettled(ids.map((id) => streams.remove(id)));
    return undefined;
  };
  await stepHostAt(requirePlace("a session")).step(forgetStepName(name), remove, jsonCodec);
}
