/** Compiled, not run: RestateAgent's types infer as ToolLoopAgent's do. */
import { type InferAgentUIMessage, Output, tool, ToolLoopAgent } from "ai";
import { z } from "zod";
import {
  agentService,
  type Context,
  contextTool,
  demoModel,
  RestateAgent,
  type RollbackCall,
  service,
} from "../../src/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(equal: Equal<A, B>): void;

const model = demoModel();
const tools = {
  weather: tool({ inputSchema: z.object({ city: z.string() }), execute: ({ city }) => ({ city, degrees: 20 }) }),
  trip: contextTool({ inputSchema: z.object({ to: z.string() }), execute: async ({ to }) => [to] }),
};
const output = Output.object({ schema: z.object({ answer: z.string() }) });
const callOptionsSchema = z.object({ tone: z.enum(["kind", "curt"]) });
const settings = { id: "typed", model, tools, output };

const plain = new ToolLoopAgent(settings);
const durable = new RestateAgent(settings, { toolOptions: { weather: { readOnly: true } } });
const wrapped = new RestateAgent(plain);

export async function inferAlike(): Promise<void> {
  const a = await plain.generate({ prompt: "" });
  const b = await durable.generate({ prompt: "" });
  const c = await wrapped.generate({ prompt: "" });
  same<typeof b, typeof a>(true);
  same<typeof c, typeof a>(true);
  same<(typeof b)["output"], { answer: string }>(true);
  same<InferAgentUIMessage<typeof durable>, InferAgentUIMessage<typeof plain>>(true);
  const streamed = await durable.stream({ prompt: "" });
  same<typeof streamed, Awaited<ReturnType<typeof plain.stream>>>(true);
  const [result] = b.toolResults;
  if (result?.dynamic !== true && result?.toolName === "weather")
    same<typeof result.output, { city: string; degrees: number }>(true);
  if (result?.dynamic !== true && result?.toolName === "trip") same<typeof result.output, string[]>(true);
}

// @ts-expect-error -- toolOptions names a tool that the agent does not have
new RestateAgent(settings, { toolOptions: { wether: {} } });

new RestateAgent(settings, {
  toolOptions: {
    weather: {
      maxRetryAttempts: 3,
      onRollback: (call) => {
        same<typeof call.input, { city: string }>(true);
        same<typeof call.output, { city: string; degrees: number }>(true);
      },
    },
    trip: {
      onRollback: async (call) => {
        same<typeof call.output, string[]>(true);
      },
      onRollbackUncertain: (call) => {
        same<typeof call.input, { to: string }>(true);
        same<typeof call.output, undefined>(true);
        same<typeof call.outcome, "failed" | "unknown">(true);
      },
    },
  },
});
const undoTrip = (call: RollbackCall<{ to: string }, string[]>): void => {
  if (call.outcome === "done") same<typeof call.output, string[]>(true);
};
new RestateAgent(settings, { toolOptions: { trip: { onRollback: undoTrip, onRollbackUncertain: undoTrip } } });

const withOptions = new RestateAgent({ id: "options", model, callOptionsSchema });
export async function callOptionsAreTyped(): Promise<void> {
  await withOptions.generate({ prompt: "", options: { tone: "kind" } });
  // @ts-expect-error -- the schema has no such tone
  await withOptions.generate({ prompt: "", options: { tone: "loud" } });
  // @ts-expect-error -- the options are required
  await withOptions.generate({ prompt: "" });
}

const asService = agentService("Typed", durable);
same<(typeof asService)["name"], "Typed">(true);

export const byHand = service({
  name: "ByHand",
  handlers: {
    run: async (_ctx: Context, prompt: string): Promise<string> => (await durable.generate({ prompt })).text,
  },
});
