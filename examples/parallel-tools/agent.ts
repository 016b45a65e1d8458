/**
 * Tools that run at the same time: the model asks for three at once, they overlap, and each is a journaled step of its own.
 * After a crash only those run again whose result had not reached Restate.
 *
 * Ask: `POST /agents/InsuranceClaim/run` with `"Check claim 42"`.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentService, contextTool, RestateAgent, restateContext } from "../../src/index.ts";

const claim = z.object({ claim: z.string() });

const agent = new RestateAgent({
  id: "insurance-claim",
  model: appModel(),
  instructions: "You check insurance claims. Call all tools that you need at once.",
  tools: {
    checkEligibility: tool({
      description: "Is the claim covered?",
      inputSchema: claim,
      execute: ({ claim: id }) => ({ claim: id, covered: true }),
    }),
    compareRates: tool({
      description: "Is the price usual?",
      inputSchema: claim,
      execute: ({ claim: id }) => ({ claim: id, price: "usual" }),
    }),
    // Not a step, but several: two at the same time, then a third one with what they found.
    checkFraud: contextTool({
      description: "Is it fraud?",
      inputSchema: claim,
      execute: async ({ claim: id }) => {
        const [history, pictures] = await Promise.all([
          restateContext().run("earlier claims", () => ({ claim: id, earlier: 1 })),
          restateContext().run("pictures", () => ({ claim: id, edited: false })),
        ]);
        return restateContext().run("fraud score", () => (pictures.edited ? 1 : history.earlier / 100));
      },
    }),
  },
});

/** Checks a claim. */
export const insuranceClaim = agentService("InsuranceClaim", agent);
