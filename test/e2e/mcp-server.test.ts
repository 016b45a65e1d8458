/** Agents as tools of an MCP server at `/mcp`, called by real MCP clients, on a real Restate. */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createMCPClient } from "@ai-sdk/mcp";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { API_KEY, McpStack, toolCall } from "../mcp/mcp-stack.ts";
import { runtimesFor } from "./lab-stack.ts";

const KEY_META = "restate-edge-agents/idempotency-key";

describe.each(runtimesFor("MCP server"))("on %s", (runtime) => {
  let stack: McpStack;

  beforeAll(async () => {
    stack = await McpStack.start(runtime);
  });
  afterAll(() => stack.stop());
  beforeEach(() => stack.reset());

  const url = (): URL => new URL(`${stack.endpoint.url}/mcp`);

  async function connected<T>(use: (client: Client) => Promise<T>, headers: Record<string, string> = {}): Promise<T> {
    const client = new Client({ name: "test", version: "1.0.0" });
    const requestInit = { headers: { authorization: `Bearer ${API_KEY}`, ...headers } };
    await client.connect(new StreamableHTTPClientTransport(url(), { requestInit }));
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }

  const guided = (id: string): void =>
    stack.turns({ toolCalls: [toolCall("c1", "look", { id })] }, { text: `left at ${id}` });

  test("a client sees the agents as tools", async () => {
    await connected(async (client) => {
      expect(client.getServerVersion()).toMatchObject({ name: "test agents", version: "1.2.3" });
      expect(client.getInstructions()).toBe("Ask the guide for directions.");
      const { tools } = await client.listTools();
      expect(tools.map(({ name, description }) => [name, description])).toEqual([
        ["Guide", "Knows the way."],
        ["Chat", "Talks to the agent Chat."],
        ["Adder_add", "Adds two numbers."],
        ["get_result", "Waits for the result of a run that had not ended when its tool answered, and went on."],
      ]);
      expect(tools[0]?.inputSchema).toMatchObject({ type: "object", required: ["prompt"] });
      expect(tools[2]?.annotations).toMatchObject({ readOnlyHint: true });
    });
  });

  test("a call is an invocation, and its result comes back", async () => {
    guided("church");
    const result = await connected((client) => client.callTool({ name: "Guide", arguments: { prompt: "Where to?" } }));
    expect(result).toMatchObject({ content: [{ type: "text", text: "left at church" }] });
    const id = result._meta?.["restate-edge-agents/invocation-id"];
    expect(await stack.steps(String(id))).toEqual(["guide model 1", "guide tool look c1", "guide model 2"]);
    expect(stack.effects.count("look", "church")).toBe(1);
  });

  test("the AI SDK's client calls it, too", async () => {
    guided("bridge");
    const client = await createMCPClient({
      transport: { type: "http", url: url().href, headers: { authorization: `Bearer ${API_KEY}` } },
    });
    const result = await client.callTool({ name: "Guide", arguments: { prompt: "Where to?" } });
    await client.close();
    expect(result.content).toEqual([{ type: "text", text: "left at bridge" }]);
  });

  test("a handler of one's own has its own input, and gives structured content", async () => {
    const result = await connected((client) => client.callTool({ name: "Adder_add", arguments: { a: 2, b: 3 } }));
    expect(result.structuredContent).toEqual({ sum: 5 });
    const wrong = await connected((client) => client.callTool({ name: "Adder_add", arguments: { a: "two" } }));
    expect(wrong.isError).toBe(true);
  });

  test("a conversation goes on under its name", async () => {
    stack.script = (request) => {
      const said = JSON.stringify(request.body);
      return { text: said.includes("My name is Ann") && said.includes("Who am I?") ? "Ann" : "Hello" };
    };
    const say = (message: string) =>
      connected((client) => client.callTool({ name: "Chat", arguments: { conversation: "one", message } }));
    expect((await say("My name is Ann")).content).toEqual([{ type: "text", text: "Hello" }]);
    const answer = await say("Who am I?");
    expect(answer.content).toEqual([{ type: "text", text: "Ann" }]);
    expect(answer.structuredContent).toMatchObject({ text: "Ann", finishReason: "stop" });
  });

  test("a call that is repeated with its idempotency key is the same run", async () => {
    guided("mill");
    const call = (key: string) =>
      connected((client) =>
        client.callTool({ name: "Guide", arguments: { prompt: "Where to?" }, _meta: { [KEY_META]: key } }),
      );
    const [one, two] = await Promise.all([call(`key-${runtime}`), call(`key-${runtime}`)]);
    const three = await connected((client) => client.callTool({ name: "Guide", arguments: { prompt: "Where to?" } }), {
      "idempotency-key": `key-${runtime}`,
    });
    expect(two._meta).toEqual(one._meta);
    expect(three._meta).toEqual(one._meta);
    expect(stack.effects.count("look", "mill")).toBe(1);
    const other = await call(`other-${runtime}`);
    expect(other._meta).not.toEqual(one._meta);
    expect(stack.effects.count("look", "mill")).toBe(2);
  });

  test("a run that takes long goes on, and whoever asks for progress waits for it", async () => {
    stack.script = () => ({ text: "late", delayMs: 10_500 });
    const params = { name: "Guide", arguments: { prompt: "Slowly" }, _meta: { [KEY_META]: `slow-${runtime}` } };
    const early = await connected((client) => client.callTool(params));
    expect(early.structuredContent).toMatchObject({ status: "running", idempotencyKey: `slow-${runtime}` });
    expect(early.isError).not.toBe(true);
    const again = await connected((client) => client.callTool(params));
    expect(again).toMatchObject({ content: [{ text: "late" }], _meta: early._meta });
    const awaited = { name: "get_result", arguments: { tool: "Guide", run: `slow-${runtime}` } };
    const found = await connected((client) => client.callTool(awaited));
    const none = { name: "get_result", arguments: { tool: "Guide", run: "nobody has begun it" } };
    expect((await connected((client) => client.callTool(none))).structuredContent).toEqual({
      code: "invocation-not-found",
    });
    expect(found).toMatchObject({ content: [{ text: "late" }], _meta: early._meta });

    stack.script = () => ({ text: "later", delayMs: 6_000 });
    const told: unknown[] = [];
    const other = { ...params, _meta: { [KEY_META]: `slower-${runtime}` } };
    const result = await connected((client) =>
      client.callTool(other, { onprogress: (progress) => told.push(progress), resetTimeoutOnProgress: true }),
    );
    expect(result.content).toEqual([{ type: "text", text: "later" }]);
    expect(told).toEqual([expect.objectContaining({ progress: 5 })]);
  });

  test("an agent that calls another over MCP runs it once, though the answer gets lost", async () => {
    stack.script = (request) => {
      const said = JSON.stringify(request.body);
      const isGuide = said.includes('"name":"look"');
      const isAnswered = said.includes("function_call_output");
      if (isGuide) return isAnswered ? { text: "left" } : { toolCalls: [toolCall("g1", "look", { id: "tower" })] };
      return isAnswered
        ? { text: "I am told: left" }
        : { toolCalls: [toolCall("m1", "Guide", { prompt: "Where to?" })] };
    };
    const guides = async (): Promise<number> => {
      const [row] = await stack.restate.query<{ n: number }>(
        "SELECT COUNT(1) AS n FROM sys_invocation WHERE target_service_name = 'Guide'",
      );
      return row?.n ?? 0;
    };
    const before = await guides();
    const id = await stack.restate.send("Caller/run", "Go");
    // The Worker dies while the guide's run is under way, and with it the call over MCP.
    await stack.effects.waitFor((effects) => effects.length > 0, 30_000);
    await stack.endpoint.kill();
    await stack.endpoint.start();
    expect(await stack.restate.attach(id, 60_000)).toMatchObject({ status: 200, body: "I am told: left" });
    expect(await guides()).toBe(before + 1);
  });

  test.each([
    ["no key", {}, 401],
    ["a wrong key", { authorization: "Bearer wrong-key-of-a-stranger" }, 401],
  ])("%s: nobody gets in", async (_, headers, status) => {
    const response = await fetch(url(), {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
    });
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ code: "unauthorized" });
  });

  test("what is no MCP request gets a problem", async () => {
    const authorization = `Bearer ${API_KEY}`;
    const get = await fetch(url(), { headers: { authorization } });
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
    expect(await get.json()).toMatchObject({ code: "method-not-allowed" });
    const post = (body: string, type = "application/json"): Promise<Response> =>
      fetch(url(), {
        method: "POST",
        headers: { authorization, "content-type": type, accept: "application/json, text/event-stream" },
        body,
      });
    expect((await post("x".repeat(1024 * 1024 + 1))).status).toBe(413);
    expect((await post("<xml/>", "text/xml")).status).toBe(415);
    const broken = await post("{");
    expect(broken.status).toBe(400);
  });

  test("what is not exposed cannot be called", async () => {
    for (const name of ["Clerk", "Reader", "Adder"]) {
      const call = connected((client) => client.callTool({ name, arguments: { prompt: "x" } }));
      const outcome = await call.then(
        (result) => (result.isError === true ? "error" : "called"),
        () => "error",
      );
      expect(outcome).toBe("error");
    }
  });

  test("a run that fails is a tool's error, with its code", async () => {
    stack.script = () => ({ error: { status: 400, message: "no such model" } });
    const result = await connected((client) => client.callTool({ name: "Guide", arguments: { prompt: "x" } }));
    expect(result.isError).toBe(true);
    expect(result.structuredContent).toMatchObject({ errorCode: "model-call-failed" });
  });
});
