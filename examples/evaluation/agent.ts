/**
 * A judge looks at each answer, after it was given: nobody waits for it, no answer stays without a verdict, and none is judged
 * twice. The verdict goes to whoever collects them, with the id of the run, which is in each span of its trace
 * (`restate.invocation.id`) and shows its steps at `GET /admin/invocations/{id}`.
 *
 * Ask: `POST /agents/Faq/run` with `"May I return a lamp?"`.
 */
import { generateText, Output } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { setting } from "../../agents/settings.ts";
import { type Context, durableModel, RestateAgent, service } from "../../src/index.ts";

const agent = new RestateAgent({ id: "faq", model: appModel(), instructions: "You answer questions of customers." });
const judge = durableModel(appModel(), { name: "judge" });
const verdictSchema = z.object({ score: z.number().min(0).max(1), reason: z.string() });

interface Answered {
  readonly run: string;
  readonly question: string;
  readonly answer: string;
}

/** Judges answers. */
export const evaluator = service({
  name: "Evaluator",
  handlers: {
    judge: async (context: Context, { run, question, answer }: Answered): Promise<void> => {
      const { output } = await generateText({
        model: judge,
        instructions:
          "Score this answer from 0 (wrong or rude) to 1 (right and friendly), and say why in one sentence.",
        prompt: `Question: ${question}\nAnswer: ${answer}`,
        output: Output.object({ schema: verdictSchema }),
        maxRetries: 0,
      });
      await context.run("store the score", () => storeScore(run, output));
    },
  },
});

/** Whatever collects scores keeps one for each run: the step may be repeated. */
async function storeScore(run: string, verdict: z.infer<typeof verdictSchema>): Promise<void> {
  const service = setting("SCORES_URL");
  if (service === undefined) return console.info(`${run}: ${verdict.score}, ${verdict.reason}`);
  const body = JSON.stringify({ key: run, ...verdict });
  const response = await fetch(service, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!response.ok) throw new Error(`The collector of scores answered ${response.status}`);
  await response.arrayBuffer();
}

/** Answers, and has the answer judged. */
export const faq = service({
  name: "Faq",
  handlers: {
    run: async (context: Context, question: string): Promise<string> => {
      const { text: answer } = await agent.generate({ prompt: question });
      // One-way: it is with Restate before the answer is out, and runs on its own.
      context.serviceSendClient(evaluator).judge({ run: context.request().id, question, answer });
      return answer;
    },
  },
});
