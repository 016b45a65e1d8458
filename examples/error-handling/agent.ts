/**
 * Who hears of which failure. A provider that is overloaded, a network that breaks: Restate retries, and the model never
 * knows. A tool that says `TerminalError`: the model is told and may try something else. With `toolErrors: "fail"` it ends
 * the run. A request that can never work (a wrong key) fails at once, with the provider's words.
 *
 * Ask: `POST /agents/Shipping/run`, or `POST /agents/Shipping/strict`, with `"Ship order 7"`.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { type Context, RestateAgent, service, TerminalError } from "../../src/index.ts";

const settings = {
  model: appModel(),
  instructions: "You ship orders.",
  tools: {
    ship: tool({
      description: "Ship an order with a carrier.",
      inputSchema: z.object({ order: z.string(), carrier: z.enum(["train", "truck"]) }),
      execute: ({ order, carrier }) => {
        // For good: trying again does not help.
        if (carrier === "train") throw new TerminalError("No train goes there.", { errorCode: 409 });
        return `Order ${order} goes by ${carrier}.`;
      },
    }),
  },
};

// A call of the model is tried 5 times, then the run fails. Without `runOptions` the service's policy holds: 20 attempts in
// about 13 minutes, then the run is paused for an operator, and nothing is lost.
const runOptions = { maxRetryAttempts: 5, initialRetryInterval: { milliseconds: 200 } };
const lenient = new RestateAgent({ id: "shipping", ...settings }, { runOptions });
const strict = new RestateAgent({ id: "strict-shipping", ...settings }, { runOptions, toolErrors: "fail" });

/** Ships; `strict` fails where `run` finds another way. */
export const shipping = service({
  name: "Shipping",
  handlers: {
    run: async (_context: Context, prompt: string): Promise<string> => (await lenient.generate({ prompt })).text,
    strict: async (_context: Context, prompt: string): Promise<string> => (await strict.generate({ prompt })).text,
  },
});
