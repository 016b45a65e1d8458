/** Runs the agent for one turn. */
import { AISDKError, type ModelMessage, type UserModelMessage } from "ai";
import type { Approvals } from "../../approvals/approvals.ts";
import { LAST_ACT } from "../../agent/agent-run.ts";
import type { BudgetExceeded } from "../../agent/budget/budget.ts";
import type { BudgetMeter } from "../../agent/budget/budget-meter.ts";
import { budgetReport } from "../../agent/budget/budget-report.ts";
import { EXTRAS, type RunExtras } from "../../agent/run-extras.ts";
import { type SessionAgent, settingOf } from "../session.ts";
import type { TurnInbox } from "../steering/turn-inbox.ts";
import type { EndedStep, TurnRecorder } from "./turn-recorder.ts";

/** What a turn's run is made of. */
export interface TurnRun {
  readonly agent: SessionAgent;
  readonly messages: readonly ModelMessage[];
  readonly options: unknown;
  readonly recorder: TurnRecorder;
  readonly approvals: Approvals;
  readonly inbox: TurnInbox | undefined;
  readonly clientTools: RunExtras["clientTools"];
  /** What is left of the budgets of who has called. */
  readonly bounds: RunExtras["bounds"];
  /** Of the conversation. */
  readonly budget: BudgetMeter | undefined;
}

/** What the agent answered. */
export interface TurnAnswer {
  readonly text: string;
  /** The structured output, when the agent has one. */
  readonly output?: unknown;
  /** The bound of a budget that ended the run. */
  readonly budget?: BudgetExceeded | undefined;
}

/**
 * Runs the agent to its end.
 *
 * @throws what the run failed with.
 */
export async function runAgent(run: TurnRun): Promise<TurnAnswer> {
  const { agent, messages, options, recorder, approvals, inbox, clientTools, budget, bounds } = run;
  const extras: RunExtras = {
    sink: recorder,
    approvals,
    usage: recorder.ledger,
    clientTools,
    budget,
    bounds,
    undoesItself: false,
  };
  try {
    const result = await agent.generate({
      messages: [...messages],
      ...(options === undefined ? {} : { options }),
      ...(inbox === undefined ? {} : { experimental_steering: inbox.steering }),
      onStepStart: () => recorder.stepBegins(inbox?.delivered() ?? NONE),
      onStepEnd: async (step: EndedStep) => {
        recorder.stepEnded(step);
        // After an interruption the run ends: what waits in the inbox becomes turns.
        if (step.finishReason !== "interrupted") await inbox?.take();
      },
      [EXTRAS]: extras,
      // The turn has its own gate, and one is enough.
      [LAST_ACT]: true,
    });
    const exceeded = budgetReport(result)?.exceeded;
    const answer = { text: result.text, ...(exceeded === undefined ? {} : { budget: exceeded }) };
    const hasOutput = settingOf(agent, "output") !== undefined && !wasInterrupted(recorder);
    return hasOutput ? { ...answer, output: result.output } : answer;
  } catch (error) {
    // A structured output that was cut off by an interruption cannot be read, and is not expected to.
    if (!wasInterrupted(recorder) || !AISDKError.isInstance(error)) throw error;
    return { text: recorder.lastStep?.text ?? "" };
  }
}

const NONE: readonly UserModelMessage[] = [];

/** True when the model's last answer was ended where it was. */
function wasInterrupted({ lastStep }: TurnRecorder): boolean {
  return lastStep?.finishReason === "interrupted";
}
