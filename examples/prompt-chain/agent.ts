/**
 * A chain of prompts: each step works on what the one before it said. `durableModel()` journals the calls of the AI SDK's own
 * `generateText`, so there is no agent here: after a crash the chain goes on with the step that is missing.
 *
 * Ask: `POST /agents/ReportChain/run` with a text.
 */
import { generateText } from "ai";
import { appModel } from "../../agents/model.ts";
import { type Context, durableModel, service } from "../../src/index.ts";

const model = durableModel(appModel(), { name: "report" });

const STEPS = [
  "Extract the figures of this text, one a line, as `figure: what it measures`.",
  "Sort these lines by figure, the largest first.",
  "Make a Markdown table of these lines.",
];

/** Makes a table of the figures of a text. */
export const reportChain = service({
  name: "ReportChain",
  handlers: {
    run: async (_context: Context, text: string): Promise<string> => {
      let result = text;
      for (const instructions of STEPS) {
        // Restate retries: one layer is enough.
        ({ text: result } = await generateText({ model, instructions, prompt: result, maxRetries: 0 }));
      }
      return result;
    },
  },
});
