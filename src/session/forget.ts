/** Forgetting a conversation: when somebody asks for it, or nobody has come back to it. */
import { requirePlace } from "../journal/ambient.ts";
import { jsonCodec } from "../journal/codec.ts";
import { stepHostAt } from "../journal/step.ts";
import type { ObjectContext } from "../restate.ts";
import { streamIdOf } from "./session-info.ts";
import { forgetStepName } from "./session-steps.ts";
import type { SessionHead } from "./session-head.ts";
import type { Session } from "./session.ts";
import { type ExpireInput, sendExpire } from "./turn/after-turn.ts";
import { readHead } from "./turn/turn-state.ts";

/** What begins afterwards is another conversation, of another epoch (H2). */
export async function reset(session: Session, context: ObjectContext): Promise<void> {
  const head = await readHead(context);
  if (head !== undefined) await forget(session, context, head);
}

/** Called by the session's own timer: forgets it when it has been idle for long enough, and comes back later if not. */
export async function expire(session: Session, context: ObjectContext, { epoch }: ExpireInput): Promise<void> {
  const { expiryMs } = session;
  const head = await readHead(context);
  if (head === undefined || head.epoch !== epoch || expiryMs === undefined) return;
  const now = await context.date.now();
  const idleMs = now - Date.parse(head.lastEndedAt ?? new Date(0).toISOString());
  if (idleMs < expiryMs) sendExpire(context, session.name, epoch, expiryMs - idleMs);
  else await forget(session, context, head);
}

async function forget(session: Session, context: ObjectContext, head: SessionHead): Promise<void> {
  context.clearAll();
  const { streams, name } = session;
  if (streams === undefined) return;
  // Older ones have been forgotten by their store.
  const remove = async (): Promise<undefined> => {
    await Promise.allSettled(head.recent.map(({ turn }) => streams.remove(streamIdOf(name, context.key, turn))));
    return undefined;
  };
  await stepHostAt(requirePlace("a session")).step(forgetStepName(name), remove, jsonCodec);
}
