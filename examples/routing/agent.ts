/**
 * The right specialist for each question: a small model chooses, an agent with its own instructions and tools answers.
 *
 * Ask: `POST /agents/Support/run` with `"I was charged twice"`.
 */
import { generateText, Output, tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { type Context, durableModel, RestateAgent, service } from "../../src/index.ts";

const specialists = {
  billing: new RestateAgent({
    id: "billing",
    model: appModel(),
    instructions: "You answer questions about invoices.",
    tools: {
      lastInvoice: tool({
        description: "The last invoice of this customer.",
        inputSchema: z.object({}),
        execute: () => ({ number: "2026-17", total: 20, charged: 2 }),
      }),
    },
  }),
  technical: new RestateAgent({
    id: "technical",
    model: appModel(),
    instructions: "You solve technical problems.",
  }),
};

const router = durableModel(appModel(), { name: "router" });
const choice = Output.choice({ options: ["billing", "technical"] });

/** Answers with who answered, and what. */
export const support = service({
  name: "Support",
  handlers: {
    run: async (_context: Context, question: string): Promise<{ by: string; text: string }> => {
      const instructions = "Who should answer this?";
      const { output: by } = await generateText({
        model: router,
        instructions,
        prompt: question,
        output: choice,
        maxRetries: 0,
      });
      return { by, text: (await specialists[by].generate({ prompt: question })).text };
    },
  },
});
