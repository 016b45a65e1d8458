/** Compiled, not run: the client infers names, inputs and results from the types of the services. */
import { Output } from "ai";
import { z } from "zod";
import { type AgentInvocation, createClient } from "../../src/client/index.ts";
import {
  agentService,
  type Context,
  demoModel,
  handlers,
  object,
  type ObjectContext,
  type ObjectSharedContext,
  RestateAgent,
  service,
  workflow,
  type WorkflowContext,
  type WorkflowSharedContext,
} from "../../src/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function same<A, B>(equal: Equal<A, B>): void;

const model = demoModel();
const weather = agentService("WeatherAgent", new RestateAgent({ id: "weather", model }));
const output = Output.object({ schema: z.object({ price: z.number() }) });
const callOptionsSchema = z.object({ tone: z.enum(["kind", "curt"]) });
const prices = agentService("Prices", new RestateAgent({ id: "prices", model, output }));
const options = agentService("Options", new RestateAgent({ id: "options", model, callOptionsSchema }));
const tools = service({
  name: "Tools",
  handlers: {
    add: async (_ctx: Context, { a, b }: { a: number; b: number }): Promise<number> => a + b,
    now: async (_ctx: Context): Promise<string> => "now",
    maybe: async (_ctx: Context, limit?: number): Promise<void> => void limit,
    hidden: handlers.handler({ ingressPrivate: true }, async (_ctx: Context, text: string) => text),
  },
});
const cart = object({
  name: "Cart",
  handlers: {
    add: async (_ctx: ObjectContext, item: { sku: string }) => ({ count: item.sku.length }),
    get: handlers.object.shared(async (_ctx: ObjectSharedContext) => [1]),
  },
});
const signup = workflow({
  name: "Signup",
  handlers: {
    run: async (_ctx: WorkflowContext, mail: string) => mail.length,
    approve: async (_ctx: WorkflowSharedContext, by: string) => by === "",
  },
});

const client = createClient({ url: "https://agents.example.com", apiKey: "…" });

export async function agents(): Promise<void> {
  const agent = client.service<typeof weather>("WeatherAgent");
  const answer = await agent.run("Berlin?");
  same<typeof answer, string>(true);
  await agent.run({ messages: [{ role: "user", content: "Berlin?" }] }, { timeoutMs: 1 });
  const invocation = await agent.run.send("Berlin?", { delayMs: 1 });
  same<typeof invocation, AgentInvocation<string>>(true);
  const result = await agent.run.invocation("inv_1").result({ signal: AbortSignal.timeout(1) });
  same<typeof result, string>(true);
  const price = await client.service<typeof prices>("Prices").run("A seat?");
  same<typeof price, { price: number }>(true);
  await client.service<typeof options>("Options").run({ prompt: "", options: { tone: "kind" } });

  // @ts-expect-error -- another name
  client.service<typeof weather>("WetherAgent");
  // @ts-expect-error -- there is no such handler
  void agent.walk;
  // @ts-expect-error -- `continue` is not for callers
  void agent.continue;
  // @ts-expect-error -- a number is no prompt
  void agent.run(1);
  // @ts-expect-error -- without a prompt
  void agent.run();
  // @ts-expect-error -- there is no such tone
  void client.service<typeof options>("Options").run({ prompt: "", options: { tone: "loud" } });
  // @ts-expect-error -- there is no such option
  void agent.run("Berlin?", { timeout: 1 });
  // @ts-expect-error -- a call that waits has no delay
  void agent.run("Berlin?", { delayMs: 1 });
}

export async function services(): Promise<void> {
  const tool = client.service<typeof tools>("Tools");
  const sum = await tool.add({ a: 1, b: 2 });
  same<typeof sum, number>(true);
  const now = await tool.now();
  same<typeof now, string>(true);
  await tool.now(undefined, { traceparent: "00-…" });
  await tool.maybe();
  await tool.maybe(1, { idempotencyKey: false });
  await tool.hidden("");

  // @ts-expect-error -- b is missing
  void tool.add({ a: 1 });
  // @ts-expect-error -- it takes no input; options come second
  void tool.now({ timeoutMs: 1 });
  // @ts-expect-error -- a number
  void tool.add.send({ a: "1", b: 2 });
}

export async function objects(): Promise<void> {
  const items = client.object<typeof cart>("Cart", "ada");
  const added = await items.add({ sku: "1" });
  same<typeof added, { count: number }>(true);
  const all = await items.get();
  same<typeof all, number[]>(true);

  // @ts-expect-error -- without a key
  client.object<typeof cart>("Cart");
  // @ts-expect-error -- an object is no service
  client.service<typeof cart>("Cart");
  // @ts-expect-error -- a service is no object
  client.object<typeof tools>("Tools", "ada");
  // @ts-expect-error -- sku is a string
  void items.add({ sku: 1 });
}

export async function workflows(): Promise<void> {
  const ada = client.workflow<typeof signup>("Signup", "ada");
  const length = await ada.run("ada@example.com");
  same<typeof length, number>(true);
  const approved = await ada.approve.send("bob");
  same<typeof approved, AgentInvocation<boolean>>(true);

  // @ts-expect-error -- a workflow is no object
  client.object<typeof signup>("Signup", "ada");
  // @ts-expect-error -- a mail address
  void ada.run({ mail: "" });
}

export async function untyped(): Promise<void> {
  const any = client.service("Whatever");
  const answer = await any["run"]?.("Berlin?");
  same<typeof answer, unknown>(true);
  const result = await client.invocation<{ price: number }>("inv_1").result();
  same<typeof result, { price: number }>(true);
  const unknown = await client.invocation("inv_1").result();
  same<typeof unknown, unknown>(true);
}
