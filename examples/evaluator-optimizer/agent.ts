/**
 * One model writes, another one judges, until the judge is content or the rounds are used up. Each round is journaled: a
 * crash in round 3 does not pay for rounds 1 and 2 again.
 *
 * Ask: `POST /agents/Writer/run` with `"A slogan for a slow train"`.
 */
import { generateText, Output } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { type Context, durableModel, service } from "../../src/index.ts";

const MAX_ROUNDS = 5;

const model = durableModel(appModel(), { name: "writer" });
const verdict = z.object({ good: z.boolean(), advice: z.string() });

/** Writes, and says how many rounds it took. */
export const writer = service({
  name: "Writer",
  handlers: {
    run: async (_context: Context, task: string): Promise<{ text: string; rounds: number; good: boolean }> => {
      let prompt = task;
      for (let round = 1; ; round += 1) {
        const { text } = await generateText({ model, instructions: "Write this.", prompt, maxRetries: 0 });
        const { output } = await generateText({
          model,
          instructions: `Is this a good answer to: ${task}`,
          prompt: text,
          output: Output.object({ schema: verdict }),
          maxRetries: 0,
        });
        if (output.good || round === MAX_ROUNDS) return { text, rounds: round, good: output.good };
        prompt = `${task}\n\nYour last try: ${text}\nMake it better: ${output.advice}`;
      }
    },
  },
});
