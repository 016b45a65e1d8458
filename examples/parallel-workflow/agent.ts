/**
 * Several views of one question at the same time, and one answer from all of them. Plain `Promise.all` works: the calls
 * overlap, and their order in the journal does not depend on who was faster.
 *
 * Ask: `POST /agents/Review/run` with `"Shall we move to four-day weeks?"`.
 */
import { generateText } from "ai";
import { appModel } from "../../agents/model.ts";
import { type Context, durableModel, service } from "../../src/index.ts";

const VIEWS = ["an accountant", "a lawyer", "an employee"];

const model = durableModel(appModel(), { name: "review" });

/** Asks three views, and sums up. */
export const review = service({
  name: "Review",
  handlers: {
    run: async (_context: Context, question: string): Promise<string> => {
      const answers = await Promise.all(
        VIEWS.map(async (view) => {
          const instructions = `Answer as ${view}, in one sentence.`;
          const { text } = await generateText({ model, instructions, prompt: question, maxRetries: 0 });
          return `${view}: ${text}`;
        }),
      );
      const instructions = "Sum up these views, and decide.";
      return (await generateText({ model, instructions, prompt: answers.join("\n"), maxRetries: 0 })).text;
    },
  },
});
