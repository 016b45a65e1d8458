/**
 * The stream of a turn that was killed has no end: nobody was there to write it. Its readers find out by asking for the
 * invocation (stream-reader.ts, `isOver`). The next turn, which notes in the history that it was killed, ends the stream
 * too, so that whoever reads it later is told at once, and the store forgets it in time.
 */
import { requirePlace } from "../../journal/ambient.ts";
import { jsonCodec } from "../../journal/codec.ts";
import type { StepOptions, StepScope } from "../../journal/step-host.ts";
import { stepHostAt } from "../../journal/step.ts";
import { CancelledError, type ObjectContext, TerminalError } from "../../restate.ts";
import { streamWriter } from "../../stream/stream-writer.ts";
import type { RunningTurn } from "../session-head.ts";
import { answerIdOf, streamIdOf } from "../session-info.ts";
import { killedStepName } from "../session-steps.ts";
import type { Session } from "../session.ts";
import { killedFacts } from "./turn-start.ts";

/** A store that is away must not keep the next turn. */
const TRIES: StepOptions = { maxRetryAttempts: 2, initialRetryInterval: 200 };
const FINISH_MS = 2_000;

/** Ends it as the history has it: with nothing said, and a failure. */
export async function endKilledStream(session: Session, context: ObjectContext, killed: RunningTurn): Promise<void> {
  const { streams: store, name } = session;
  if (store === undefined) return;
  const { turn } = killed;
  const stream = streamIdOf(name, context.key, turn);
  const writer = streamWriter({ store, stream, messageId: answerIdOf(turn), finishMs: FINISH_MS });
  const finish = async ({ signal }: StepScope): Promise<undefined> => {
    await writer.finish({ outcome: "failed", metadata: killedFacts(killed) }, signal);
    return undefined;
  };
  try {
    await stepHostAt(requirePlace("a session's turn")).step(killedStepName(name), finish, jsonCodec, TRIES);
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof TerminalError)) throw error;
    context.console.warn(`The stream of turn ${turn}, which was killed, has no end`, error);
  }
}
