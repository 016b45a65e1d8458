/**
 * A loop of your own instead of an agent: you ask the model, run what it wants, and decide when it is over. The answers of
 * the model are journaled by `durableModel()`, what tools do by `context.run()`. For any SDK of a model that is no model of
 * the AI SDK, wrap its call in `context.run()`, too.
 *
 * Ask: `POST /agents/StockDesk/run` with `"How many lamps and desks are there?"`.
 */
import { generateText, type ModelMessage, tool, type ToolModelMessage } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { type Context, durableModel, service, TerminalError } from "../../src/index.ts";

const MAX_ROUNDS = 5;

const model = durableModel(appModel(), { name: "stock-desk" });

const stockSchema = z.object({ article: z.string() });

// Without `execute`: the AI SDK hands the calls over.
const tools = {
  countStock: tool({
    description: "How many pieces of an article are in stock.",
    inputSchema: stockSchema,
    outputSchema: z.number(),
  }),
};

const countStock = ({ article }: z.infer<typeof stockSchema>): number => article.length;

/** Answers questions about the stock. */
export const stockDesk = service({
  name: "StockDesk",
  handlers: {
    run: async (context: Context, question: string): Promise<string> => {
      const messages: ModelMessage[] = [{ role: "user", content: question }];
      for (let round = 1; round <= MAX_ROUNDS; round += 1) {
        const { text, toolCalls, response } = await generateText({ model, tools, messages, maxRetries: 0 });
        if (toolCalls.length === 0) return text;
        const content: ToolModelMessage["content"] = await Promise.all(
          toolCalls.map(async ({ toolName, toolCallId, input }) => {
            // Its name has the call's id, so that each step has a name of its own.
            const value = await context.run(`${toolName} ${toolCallId}`, () => countStock(stockSchema.parse(input)));
            return { type: "tool-result", toolName, toolCallId, output: { type: "json", value } } as const;
          }),
        );
        messages.push(...response.messages, { role: "tool", content });
      }
      throw new TerminalError(`No answer after ${MAX_ROUNDS} rounds`);
    },
  },
});
