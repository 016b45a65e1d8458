/**
 * One model plans, others work: the plan decides how many workers there are. Each worker is a call of another service over
 * Restate, so each has its own retries and may run on another Worker; all run at the same time.
 *
 * Ask: `POST /agents/Orchestrator/run` with `"Plan a summer party for 50 people"`.
 */
import { generateText, Output } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentService, type Context, durableModel, RestateAgent, service } from "../../src/index.ts";

const model = durableModel(appModel(), { name: "orchestrator" });
const plan = z.object({ tasks: z.array(z.string().min(1)).min(1).max(10) });

/** Does one task. */
export const planWorker = agentService(
  "PlanWorker",
  new RestateAgent({ id: "plan-worker", model: appModel(), instructions: "Do this task. Answer in one sentence." }),
);

/** Plans, hands out, and puts together. */
export const orchestrator = service({
  name: "Orchestrator",
  handlers: {
    run: async (context: Context, goal: string): Promise<string> => {
      const { output } = await generateText({
        model,
        instructions: "Split this into at most 10 tasks that do not depend on each other.",
        prompt: goal,
        output: Output.object({ schema: plan }),
        maxRetries: 0,
      });
      const results = await Promise.all(output.tasks.map((task) => context.serviceClient(planWorker).run(task)));
      const instructions = "Put these results together to one plan.";
      return (await generateText({ model, instructions, prompt: results.join("\n"), maxRetries: 0 })).text;
    },
  },
});
