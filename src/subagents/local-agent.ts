/** Runs an agent inside the tool of another one, in the same journal (agent-tool.ts, T1). */
import type { ToolExecutionOptions } from "ai";
import { AgentRun } from "../agent/agent-run.ts";
import { EXTRAS } from "../agent/run-extras.ts";
import { AgentTimeoutError } from "../errors/agent-timeout-error.ts";
import { keepRollbackReport } from "../errors/rollback-report.ts";
import { currentPlace, type Place } from "../journal/ambient.ts";
import { atBoundary } from "../journal/handlers.ts";
import { CancelledError } from "../restate.ts";
import { progressSink } from "./progress-sink.ts";

/** An agent whose types nobody knows here. */
export interface LocalAgent {
  readonly name: string;
  generate(parameters: object): PromiseLike<LocalResult>;
}

/** What is used of its result. */
export interface LocalResult {
  readonly text: string;
  readonly output: unknown;
}

/** How it is run. */
export interface LocalRun {
  readonly call: ToolExecutionOptions<never>;
  readonly timeoutMs: number | undefined;
  /** Shows in the stream of the outer agent what this one does. */
  readonly progress: boolean;
}

/**
 * @param input A prompt, or parameters of `generate()`.
 * @throws AgentTimeoutError when it takes too long, and what the agent failed with. Errors that the AI SDK raises between
 * steps would come again each time, so they are terminal.
 */
export async function runLocally(agent: LocalAgent, input: unknown, run: LocalRun): Promise<LocalResult> {
  const place = currentPlace();
  const parent = place === undefined ? undefined : AgentRun.of(place.fiber);
  const { call, timeoutMs, progress } = run;
  const sink = parent === undefined || !progress ? undefined : progressSink(parent, agent.name, call);
  const abortSignal = parent === undefined ? call.abortSignal : parent.callerSignal;
  const parameters = {
    ...(typeof input === "object" ? input : { prompt: input }),
    ...(abortSignal === undefined ? {} : { abortSignal }),
    [EXTRAS]: { sink },
  };
  const work = async (): Promise<LocalResult> => agent.generate(parameters);
  try {
    return await (place === undefined || timeoutMs === undefined ? work() : inTime(place, agent.name, timeoutMs, work));
  } catch (error) {
    throw atBoundary(error);
  }
}

/** Interrupts what takes too long: agents in it end as when they are cancelled. */
async function inTime<T>(place: Place, name: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  const { scheduler } = place.invocation;
  let isLate = false;
  const onLate = (): void => {
    isLate = true;
    scheduler.interrupt(place.fiber, new CancelledError());
  };
  const release = scheduler.watch(scheduler.sleep(timeoutMs), place.fiber, onLate, timeoutMs);
  try {
    return await work();
  } catch (error) {
    if (!isLate || !(error instanceof CancelledError)) throw error;
    throw keepRollbackReport(error, new AgentTimeoutError(name, timeoutMs));
  } finally {
    release();
  }
}
