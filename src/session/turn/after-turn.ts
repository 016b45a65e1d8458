/** What happens after a turn: the session gets its title, once its readers know the end; and a timer looks after its expiry. */
import { jsonSerde } from "../json-serde.ts";
import type { ModelMessage } from "ai";
import { requirePlace } from "../../journal/ambient.ts";
import { jsonCodec } from "../../journal/codec.ts";
import { stepHostAt } from "../../journal/step.ts";
import { CancelledError, type ObjectContext, TerminalError } from "../../restate.ts";
import { type SessionHead, turnCount } from "../session-head.ts";
import { titleStepName } from "../session-steps.ts";
import type { Session } from "../session.ts";
import { writeHead } from "./turn-state.ts";

/** @param head As it is stored. */
export async function afterTurn(
  session: Session,
  context: ObjectContext,
  head: SessionHead,
  turn: { readonly messages: readonly ModelMessage[]; readonly text: string },
): Promise<void> {
  if (session.title === undefined || head.title !== undefined || turnCount(head) > 1) return;
  const title = await titleOf(session, context, turn);
  if (title !== undefined) writeHead(context, { ...head, title });
}

/** What the timer is told. */
export interface ExpireInput {
  readonly epoch: string;
}

/** One timer at a time, however many turns there are: when it is early it sets itself again. */
export function watchExpiry({ name, expiryMs }: Session, context: ObjectContext, head: SessionHead): SessionHead {
  if (expiryMs === undefined || head.expiryWatched === true) return head;
  sendExpire(context, name, head.epoch, expiryMs);
  return { ...head, expiryWatched: true };
}

/** Calls the handler `expire` later. */
export function sendExpire(context: ObjectContext, service: string, epoch: string, delayMs: number): void {
  const parameter: ExpireInput = { epoch };
  const { key } = context;
  context.genericSend({ service, method: "expire", key, parameter, inputSerde: jsonSerde, delay: delayMs });
}

async function titleOf(
  { name, title }: Session,
  context: ObjectContext,
  turn: { readonly messages: readonly ModelMessage[]; readonly text: string },
): Promise<string | undefined> {
  const host = stepHostAt(requirePlace("the title of a session"));
  try {
    const given: unknown = await host.step(
      titleStepName(name),
      async ({ signal }) => title?.({ ...turn, signal }),
      jsonCodec,
    );
    return typeof given === "string" && given.trim() !== "" ? given.trim() : undefined;
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof TerminalError)) throw error;
    context.console.warn(`The conversation ${name}/${context.key} has no title`, error);
    return undefined;
  }
}
