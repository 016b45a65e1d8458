/** An agent that spends money: what must not happen twice when the Worker dies. */
import { createOpenAI } from "@ai-sdk/openai";
import { tool } from "ai";
import { z } from "zod";
import { type Context, RestateAgent, service } from "../../src/index.ts";

const setting = (name: string): string => process.env[name] ?? "";

/** Each tool changes something outside. */
async function change(what: string, key: string, signal?: AbortSignal): Promise<string> {
  const response = await fetch(`${setting("EFFECT_URL")}/effect/${what}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ key }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (!response.ok) throw new Error(`${what} answered ${response.status}`);
  await response.arrayBuffer();
  return `${what} ${key}: ok`;
}

function changing(what: string, description: string) {
  return tool({
    description,
    inputSchema: z.object({ key: z.string() }),
    execute: ({ key }, { abortSignal }) => change(what, key, abortSignal),
  });
}

export const orderService = service({
  name: "OrderAgent",
  handlers: {
    run: async (_ctx: Context, prompt: string): Promise<string> => {
      const openai = createOpenAI({ baseURL: setting("OPENAI_BASE_URL"), apiKey: "scripted" });
      const agent = new RestateAgent({
        id: "order",
        model: openai("gpt-test"),
        instructions: "You take orders.",
        tools: {
          findCustomer: changing("findCustomer", "Find a customer"),
          checkStock: changing("checkStock", "Check the stock of an article"),
          reserve: changing("reserve", "Reserve an article"),
          chargeCard: changing("chargeCard", "Charge the customer's card"),
          sendReceipt: changing("sendReceipt", "Send the receipt"),
        },
      });
      return (await agent.generate({ prompt })).text;
    },
  },
});
