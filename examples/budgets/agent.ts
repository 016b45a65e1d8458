/**
 * What agents may use. `Analysis` may spend half a euro a run; when that is gone a person is asked how much more, and the run
 * waits, for days if need be. `Tutoring` is a conversation with a budget of its own over all turns: when that is used up its
 * turns end with a sentence that says so. And however many runs there are, never more than four call the model at a time.
 *
 * Ask: `POST /agents/Analysis/run` with `"Why did sales drop in May?"`. When it asks: `GET /approvals?agent=analyst`, then
 * `POST /approvals/{id}` with `{ "approved": true, "reason": "0.25" }`. Talk: `POST /agents/Tutoring/{pupil}/send` with
 * `{ "message": "Explain fractions" }`, and see what is left with `POST /agents/Tutoring/{pupil}/status`.
 */
import { isLoopFinished, tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentService, agentSession, approvalObject, type Prices, rateLimit, RestateAgent } from "../../src/index.ts";

// Per million tokens, in your currency. A model that is missing here fails the run before it is called.
const prices: Prices = {
  "gpt-5.2": { input: 1.5, cachedInput: 0.15, output: 12 },
  demo: { input: 0, output: 0 },
};

/** Who may call the model: four at a time, 300 in a minute. The others wait, suspended, and nobody polls. */
export const modelLimit = rateLimit("ModelLimit", { concurrency: 4, perMinute: 300 });

export const budgetApprovals = approvalObject("BudgetApprovals");

const analyst = new RestateAgent(
  {
    id: "analyst",
    model: appModel(),
    instructions: "You find out why figures changed. Look at as many tables as you need.",
    stopWhen: isLoopFinished(),
    tools: {
      readTable: tool({
        description: "Read a table of the data warehouse.",
        inputSchema: z.object({ table: z.string() }),
        execute: ({ table }) => `${table}: 12 rows`,
      }),
    },
  },
  {
    limits: [modelLimit],
    approvals: { object: budgetApprovals, timeout: { hours: 8 } },
    // The agents in its tools, if it had some, would count as well.
    budget: { cost: 0.5, prices, steps: 100, atLimit: "ask" },
  },
);

export const analysis = agentService("Analysis", analyst);

const tutor = new RestateAgent(
  { id: "tutor", model: appModel(), instructions: "You explain mathematics to pupils." },
  { limits: [modelLimit] },
);

export const tutoring = agentSession("Tutoring", tutor, {
  budget: {
    totalTokens: 2_000,
    atLimit: "stop",
    notice: "That was all for this month. Ask your teacher for more.",
  },
});
