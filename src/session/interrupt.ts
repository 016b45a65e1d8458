/**
 * Ends the running turn. First it is asked to: a model's answer then ends where it is, and stays in the history. What
 * does not hear (a tool, a question to a person, a model that says nothing) is cancelled after a moment.
 */
import { jsonSerde } from "./json-serde.ts";
import { jsonCodec } from "../journal/codec.ts";
import { requirePlace } from "../journal/ambient.ts";
import type { StepOptions } from "../journal/step-host.ts";
import { stepHostAt } from "../journal/step.ts";
import {
  CancelledError,
  type InvocationId,
  type ObjectSharedContext,
  TerminalError,
  TimeoutError,
} from "../restate.ts";
import type { StreamStore } from "../stream/stream-store.ts";
import { streamIdOf } from "./session-info.ts";
import { checkInterrupt } from "./session-input.ts";
import { stopStepName } from "./session-steps.ts";
import type { InterruptAnswer } from "./session-types.ts";
import type { Session } from "./session.ts";
import { readHead, readId } from "./turn/turn-state.ts";

/** How long a turn that was asked to end may take before it is cancelled, in milliseconds. */
const GRACE_MS = 2_000;
/** How long a turn that was cancelled may take to note its end, in milliseconds. */
const CLEANUP_MS = 10_000;

/** Who interrupts waits for it. */
const STOP_TRIES: StepOptions = { maxRetryAttempts: 3, initialRetryInterval: 200 };

/** @throws InvalidInputError (400) */
export async function interrupt(
  session: Session,
  context: ObjectSharedContext,
  rawInput: unknown,
): Promise<InterruptAnswer> {
  const { turn } = checkInterrupt(session.name, rawInput);
  const head = await readHead(context);
  const running = head?.running;
  if (running === undefined || (turn !== undefined && turn !== running.turn)) {
    if (turn === undefined || session.streams === undefined) return { result: "idle" };
    if ((await readId(context, turn)) !== undefined) return { result: "idle" };
    await stopStream(session, session.streams, context, turn);
    return { turn, result: "queued" };
  }
  const { invocationId } = running;
  if (session.streams !== undefined) {
    const isAsked = await asksToEnd(session, session.streams, context, running.turn);
    if (isAsked && (await endsWithin(context, invocationId, GRACE_MS))) return { turn: running.turn, result: "ended" };
  }
  context.cancel(invocationId as InvocationId);
  await endsWithin(context, invocationId, CLEANUP_MS);
  return { turn: running.turn, result: "cancelled" };
}

async function stopStream(
  { name }: Session,
  streams: StreamStore,
  { key }: ObjectSharedContext,
  turn: string,
): Promise<void> {
  const stop = async (): Promise<undefined> => {
    await streams.stop(streamIdOf(name, key, turn));
    return undefined;
  };
  await stepHostAt(requirePlace("interrupt")).step(stopStepName(name), stop, jsonCodec, STOP_TRIES);
}

/** False when its stream's store is away: then the turn cannot be asked, and is cancelled. */
async function asksToEnd(...asked: Parameters<typeof stopStream>): Promise<boolean> {
  try {
    await stopStream(...asked);
    return true;
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof TerminalError)) throw error;
    return false;
  }
}

/** True when the invocation has ended, in whatever way, or is not known any more. */
async function endsWithin(context: ObjectSharedContext, invocationId: string, ms: number): Promise<boolean> {
  const ended = context.attach(invocationId as InvocationId, jsonSerde).map(() => true);
  try {
    return await ended.orTimeout(ms);
  } catch (error) {
    if (error instanceof TimeoutError) return false;
    throw error;
  }
}
