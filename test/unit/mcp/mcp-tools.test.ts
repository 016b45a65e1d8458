import { setTimeout as delay } from "node:timers/promises";
import { isStepCount, tool, type ToolSet } from "ai";
import { afterEach, expect, test } from "vitest";
import { z } from "zod";
import {
  McpClient,
  type McpClientOptions,
  type McpToolsOptions,
  mcpTools,
  RestateAgent,
  type RestateAgentOptions,
  withRestateContext,
} from "../../../src/index.ts";
import { type FakeOptions, type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import { type ScriptedMcp, type ScriptedTool, startScriptedMcp, text } from "../../mcp/scripted-mcp.ts";

type Replies = Parameters<typeof scriptedModel>[0];

const servers: ScriptedMcp[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(
  tools: Record<string, ScriptedTool> = { search: { call: () => text("found") } },
): Promise<ScriptedMcp> {
  const server = await startScriptedMcp(tools);
  servers.push(server);
  return server;
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await delay(5);
}

const called = (name: string, id = "c1", input: object = {}) => ({ toolCalls: [{ id, name, input }] });

interface Run {
  readonly replies: Replies;
  readonly client?: Partial<McpClientOptions>;
  readonly tools?: McpToolsOptions;
  readonly local?: ToolSet;
  readonly options?: RestateAgentOptions;
  readonly settings?: object;
}

function agentOf(server: ScriptedMcp, run: Run) {
  const model = scriptedModel(run.replies);
  const client = new McpClient({ name: "files", url: server.url, ...run.client });
  const agent = new RestateAgent(
    {
      id: "clerk",
      model,
      tools: { ...run.local, ...mcpTools(client, run.tools) },
      stopWhen: isStepCount(5),
      ...run.settings,
    },
    run.options,
  );
  return { agent, model, client };
}

async function runAgent(server: ScriptedMcp, run: Run, fake: FakeOptions = {}) {
  const { agent, model } = agentOf(server, run);
  const result: FakeResult<string> = await runFake(
    (context) => withRestateContext(context, async () => (await agent.generate({ prompt: "Go" })).text),
    fake,
  );
  return { ...result, model };
}

const SEARCH: Replies = [called("search", "c1", { q: "x" }), { text: "done" }];

test("tools of a server are listed and called in steps of these names", async () => {
  const server = await start();
  const { outcome, journal } = await runAgent(server, { replies: SEARCH });
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect(journal.commands).toEqual([
    "run clerk mcp files list",
    "run clerk model 1",
    "run clerk tool search c1",
    "run clerk model 2",
  ]);
  expect(server.count("search")).toBe(1);
  expect(server.effects[0]?.input).toEqual({ q: "x" });
});

test("the option mcp gives the same tools", async () => {
  const server = await start();
  const model = scriptedModel(SEARCH);
  const client = new McpClient({ name: "files", url: server.url });
  const agent = new RestateAgent({ id: "clerk", model, stopWhen: isStepCount(5) }, { mcp: [client] });
  const { outcome, journal } = await runFake((context) =>
    withRestateContext(context, async () => (await agent.generate({ prompt: "Go" })).text),
  );
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect(journal.commands[0]).toBe("run clerk mcp files list");
});

test.each(["bidirectional", "request-response"] as const)("a replay needs no server, %s", async (mode) => {
  const server = await start();
  const { journal, outcome } = await runAgent(server, { replies: SEARCH }, { mode });
  expect(outcome.ok).toBe(true);
  await server.close();
  const again = await runAgent(server, { replies: SEARCH }, { mode, journal });
  expect(again.outcome).toEqual({ ok: true, value: "done" });
  expect(again.executions.size).toBe(0);
});

test.each(["bidirectional", "request-response"] as const)("a crash after each event, %s", async (mode) => {
  const server = await start({
    search: { call: () => text("found") },
    look: { call: () => text("seen"), annotations: { readOnlyHint: true } },
  });
  const replies: Replies = [
    {
      toolCalls: [
        { id: "a", name: "search", input: {} },
        { id: "b", name: "look", input: {} },
      ],
    },
    called("search", "c"),
    { text: "done" },
  ];
  const { outcome, executions } = await runAgent(server, { replies }, { mode, crashAt: "every" });
  expect(outcome).toEqual({ ok: true, value: "done" });
  const searches = server.effects.filter(({ name }) => name === "search");
  const begun = (executions.get("clerk tool search a") ?? 0) + (executions.get("clerk tool search c") ?? 0);
  expect(searches.length).toBeGreaterThanOrEqual(2);
  expect(searches.length).toBeLessThanOrEqual(begun); // A crash may come before the request.
  expect(new Set(searches.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2);
});

test("a call that is repeated carries the key of the first one, and calls have different keys", async () => {
  const server = await start();
  server.trouble = (method, { n }) => (method === "tools/call search" && n === 0 ? "end-after" : undefined);
  const replies: Replies = [called("search", "a"), called("search", "b"), { text: "done" }];
  const { outcome } = await runAgent(server, { replies });
  expect(outcome.ok).toBe(true);
  const keys = server.effects.map(({ idempotencyKey }) => idempotencyKey);
  expect(keys).toHaveLength(3);
  expect(keys[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
  expect(server.effects[0]?.headers["idempotency-key"]).toBe(keys[0]);
});

test("one connection serves a whole attempt, and is closed at its end", async () => {
  const server = await start();
  const replies: Replies = [called("search", "a"), called("search", "b"), { text: "done" }];
  await runAgent(server, { replies });
  expect(server.requests.filter((request) => request === "initialize")).toHaveLength(1);
  await expect.poll(() => server.openSessions).toBe(0);
});

test("parallel calls overlap", async () => {
  const server = await start({
    search: {
      call: async () => {
        await delay(80);
        return text("found");
      },
    },
  });
  const calls = ["a", "b", "c"].map((id) => ({ id, name: "search", input: {} }));
  const { outcome } = await runAgent(server, { replies: [{ toolCalls: calls }, { text: "done" }] });
  expect(outcome.ok).toBe(true);
  expect(server.highWater).toBe(3);
});

test("lists of several servers overlap, in the order of the settings", async () => {
  const one = await start({ a: { call: () => text("a") } });
  const two = await start({ b: { call: () => text("b") } });
  const model = scriptedModel([called("b"), { text: "done" }]);
  const agent = new RestateAgent(
    {
      id: "clerk",
      model,
      tools: {
        ...mcpTools(new McpClient({ name: "one", url: one.url })),
        ...mcpTools(new McpClient({ name: "two", url: two.url })),
      },
    },
    {},
  );
  const { journal, outcome } = await runFake((context) =>
    withRestateContext(context, async () => (await agent.generate({ prompt: "Go" })).text),
  );
  expect(outcome.ok).toBe(true);
  expect(journal.commands.slice(0, 2)).toEqual(["run clerk mcp one list", "run clerk mcp two list"]);
});

test("the list is fixed for a run, and a tool that has gone is the model's problem", async () => {
  const server = await start();
  server.tools["old"] = { call: () => text("old") };
  server.trouble = (method) => {
    if (method === "tools/list") setTimeout(() => (server.tools = { fresh: { call: () => text("new") } }));
    return undefined;
  };
  const { outcome, model } = await runAgent(server, {
    replies: [called("old"), called("fresh", "c2"), { text: "done" }],
  });
  expect(outcome).toEqual({ ok: true, value: "done" });
  const results = model.calls.map(({ prompt }) => JSON.stringify(prompt.at(-1)));
  expect(results[1]).toContain("Unknown tool: old");
  expect(results[2]).toContain("fresh");
  expect(server.count("fresh")).toBe(0);
});

test("an unknown tool is the model's problem", async () => {
  const server = await start();
  const { outcome } = await runAgent(server, { replies: [called("nonsense"), { text: "sorry" }] });
  expect(outcome).toEqual({ ok: true, value: "sorry" });
});

test("a tool's own error goes to the model, as an error", async () => {
  const server = await start({
    search: { call: () => ({ isError: true, content: [{ type: "text", text: "no such file" }] }) },
  });
  const { outcome, model } = await runAgent(server, { replies: SEARCH });
  expect(outcome.ok).toBe(true);
  expect(JSON.stringify(model.calls[1]?.prompt.at(-1))).toContain('"type":"error-text","value":"no such file"');
  expect(server.count("search")).toBe(1);
});

test.each(["drop", "end-after", "drop-after"] as const)("a connection that breaks (%s) is retried", async (trouble) => {
  const server = await start();
  server.trouble = (method, { n }) => (method === "tools/call search" && n === 0 ? trouble : undefined);
  const { outcome, attempts, executions } = await runAgent(server, { replies: SEARCH });
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect(attempts).toBe(2);
  expect(executions.get("clerk tool search c1")).toBe(2);
});

test.each([429, 500, 503, 408])("%i is retried", async (status) => {
  const server = await start();
  server.trouble = (method, { n }) => (method === "tools/list" && n === 0 ? { status } : undefined);
  const { outcome, attempts } = await runAgent(server, { replies: SEARCH });
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect(attempts).toBe(2);
});

test("a server that hangs is retried after the time limit", async () => {
  const server = await start();
  server.trouble = (method, { n }) => (method === "tools/call search" && n === 0 ? "hang" : undefined);
  const { outcome, attempts } = await runAgent(server, { replies: SEARCH, client: { timeoutMs: 1_000 } });
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect(attempts).toBe(2);
});

test("a server that hangs while connecting is retried after the time limit", async () => {
  const server = await start();
  server.trouble = (method, { n }) => (method === "initialize" && n === 0 ? "hang" : undefined);
  const { outcome, attempts } = await runAgent(server, { replies: SEARCH, client: { connectTimeoutMs: 1_000 } });
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect(attempts).toBe(2);
});

test.each([401, 403])("%i ends the run when the tools are listed, and says what to do", async (status) => {
  const server = await start();
  server.trouble = (method) =>
    method === "server/discover" ? undefined : { status, headers: { "www-authenticate": "Bearer" } };
  const { outcome, attempts } = await runAgent(server, { replies: SEARCH });
  expect(outcome).toMatchObject({
    ok: false,
    error: { errorCode: "mcp-unauthorized", fields: { server: "files", statusCode: status } },
  });
  expect(attempts).toBe(1);
});

test("secrets are in no step and no message", async () => {
  const server = await start();
  const token = "very-secret-token-1234";
  server.trouble = (method, { headers }) =>
    method === "tools/call search"
      ? { status: 403, headers: { "www-authenticate": `Bearer error="${String(headers.authorization)}"` } }
      : undefined;
  const { outcome, journal, logs } = await runAgent(server, {
    replies: SEARCH,
    client: { headers: () => ({ authorization: `Bearer ${token}` }) },
  });
  expect(outcome.ok).toBe(true);
  const bytes = JSON.stringify(journal.events, (_, value: unknown) =>
    value instanceof Uint8Array
      ? new TextDecoder().decode(value)
      : value instanceof Error
        ? { name: value.name, message: value.message, metadata: (value as { metadata?: unknown }).metadata }
        : value,
  );
  expect(bytes).toContain("***");
  expect(bytes + logs.join()).not.toContain(token);
});

test.each([404, 400] as const)(
  "a session that the server has lost (%i) is replaced, without another attempt",
  async (status) => {
    const server = await start();
    server.trouble = (method, { n }) => {
      if (method === "tools/call search" && n === 0) server.restart(status);
      return undefined;
    };
    const { outcome, attempts } = await runAgent(server, { replies: SEARCH });
    expect(outcome).toEqual({ ok: true, value: "done" });
    expect(attempts).toBe(1);
    expect(server.count("search")).toBe(1);
    expect(server.requests.filter((request) => request === "initialize")).toHaveLength(2);
  },
);

test("readOnlyHint makes a tool run ahead, unless the user says otherwise", async () => {
  const attemptsOf = async (hint: boolean, tools?: McpToolsOptions): Promise<number> => {
    const server = await start({ search: { call: () => text("found"), annotations: { readOnlyHint: hint } } });
    const { attempts, outcome } = await runAgent(
      server,
      { replies: SEARCH, ...(tools === undefined ? {} : { tools }) },
      { mode: "request-response" },
    );
    expect(outcome.ok).toBe(true);
    return attempts;
  };
  const ahead = await attemptsOf(true);
  expect(await attemptsOf(false)).toBeGreaterThan(ahead);
  expect(await attemptsOf(true, { readOnly: () => false })).toBeGreaterThan(ahead);
  expect(await attemptsOf(false, { readOnly: () => true })).toBe(ahead);
  expect(await attemptsOf(true, { toolOptions: { search: { readOnly: false } } })).toBeGreaterThan(ahead);
});

test("two tools of one name are a clear error, and a prefix helps", async () => {
  const server = await start();
  const local = { search: tool({ inputSchema: z.object({}), execute: async () => "local" }) };
  const { outcome } = await runAgent(server, { replies: SEARCH, local });
  expect(outcome).toMatchObject({ ok: false, error: { errorCode: "tool-clash" } });
  expect(String((outcome as { error: Error }).error.message)).toContain('MCP server "files"');
  const prefixed = await runAgent(server, {
    replies: [called("files_search"), { text: "done" }],
    local,
    tools: { prefix: "files_" },
  });
  expect(prefixed.outcome).toEqual({ ok: true, value: "done" });
  expect(server.count("search")).toBe(1);
});

test("two names of one server that providers cannot tell apart end the run", async () => {
  const server = await start({ "a.b": { call: () => text("1") }, a_b: { call: () => text("2") } });
  const { outcome } = await runAgent(server, { replies: [{ text: "done" }] });
  expect(outcome).toMatchObject({ ok: false, error: { errorCode: "tool-clash" } });
});

test("all pages of a list are read, and names are cut to what providers take", async () => {
  const server = await start(
    Object.fromEntries(["a", "b", "c", "x".repeat(80)].map((name) => [name, { call: () => text(name) }])),
  );
  server.pageSize = 2;
  const { model, outcome } = await runAgent(server, { replies: [called("x".repeat(64)), { text: "done" }] });
  expect(outcome.ok).toBe(true);
  expect(model.calls[0]?.tools?.map(({ name }) => name)).toEqual(["a", "b", "c", "x".repeat(64)]);
  expect(server.count("x".repeat(80))).toBe(1);
});

test("a filter leaves tools out of the journal and of the prompt", async () => {
  const server = await start({
    search: { call: () => text("found") },
    wipe: { call: () => text("gone"), description: "Wipes everything" },
  });
  const { journal, model } = await runAgent(server, { replies: SEARCH, tools: { filter: ["search"] } });
  expect(model.calls[0]?.tools?.map(({ name }) => name)).toEqual(["search"]);
  const stored = journal.events.map((event) =>
    JSON.stringify(event, (_, value: unknown) =>
      value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
    ),
  );
  expect(stored.join()).not.toContain("Wipes everything");
});

test("instructions of the server are the agent's only when that is asked for", async () => {
  const server = await start();
  server.instructions = "Search before you answer.";
  const systemOf = async (run: Partial<Run>): Promise<string> => {
    const { model } = await runAgent(server, { replies: [{ text: "done" }], ...run });
    return JSON.stringify(model.calls[0]?.prompt.filter(({ role }) => role === "system"));
  };
  expect(await systemOf({})).toBe("[]");
  expect(await systemOf({ settings: { instructions: "Be brief." } })).not.toContain("Search");
  const both = await systemOf({ tools: { instructions: true }, settings: { instructions: "Be brief." } });
  expect(both).toContain("Be brief.");
  expect(both).toContain("Search before you answer.");
  expect(await systemOf({ tools: { instructions: true } })).toContain("Search before you answer.");
});

test("rich results survive the journal, and the model sees files", async () => {
  const rich = {
    content: [
      { type: "text", text: "a picture" },
      { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" },
      { type: "resource", resource: { uri: "file:///a.txt", mimeType: "text/plain", text: "hello" } },
      { type: "resource_link", uri: "file:///b.txt", name: "b" },
    ],
    structuredContent: { n: 1, list: [1, 2] },
    _meta: { "example.com/trace": "t1" },
  };
  const server = await start({ search: { call: () => rich } });
  const { agent, model } = agentOf(server, { replies: SEARCH });
  const { outcome } = await runFake((context) =>
    withRestateContext(context, async () => {
      const { steps } = await agent.generate({ prompt: "Go" });
      return steps[0]?.toolResults[0]?.output as unknown;
    }),
  );
  expect(outcome).toEqual({ ok: true, value: rich });
  const shown = JSON.stringify(model.calls[1]?.prompt.at(-1));
  expect(shown).toContain('"mediaType":"image/png"');
  expect(shown).toContain('"text":"hello"');
  expect(shown).toContain("file:///b.txt");
  expect(shown).not.toContain("example.com/trace");
});

test("resources of the server are tools when that is asked for", async () => {
  const server = await start();
  server.resources = { "file:///a.txt": { mimeType: "text/plain", text: "hello" } };
  const replies: Replies = [
    called("list_resources", "r1"),
    called("read_resource", "r2", { uri: "file:///a.txt" }),
    called("read_resource", "r3", { uri: "file:///none" }),
    { text: "done" },
  ];
  const { outcome, model } = await runAgent(server, { replies, tools: { resources: true } });
  expect(outcome).toEqual({ ok: true, value: "done" });
  const [, listed, read, missing] = model.calls.map(({ prompt }) => JSON.stringify(prompt.at(-1)));
  expect(listed).toContain("file:///a.txt");
  expect(read).toContain("hello");
  expect(missing).toContain("No such resource");
});

test("outside of a handler the tools are there, too", async () => {
  const server = await start();
  const { agent } = agentOf(server, { replies: SEARCH, options: { outsideHandler: "plain" } });
  expect((await agent.generate({ prompt: "Go" })).text).toBe("done");
  expect(server.count("search")).toBe(1);
  await expect.poll(() => server.openSessions).toBe(0);
});

test("cancellation ends a call that is under way, and the run, and the server is told", async () => {
  const server = await start({
    search: { call: () => text("found") },
    look: { call: () => until(() => server.requests.includes("tools/call search")).then(() => text("seen")) },
  });
  server.trouble = (method) => (method === "tools/call search" ? "hang" : undefined);
  const toolCalls = ["search", "look"].map((name) => ({ id: name, name, input: {} }));
  // When the other call is stored.
  const { outcome } = await runAgent(server, { replies: [{ toolCalls }, { text: "done" }] }, { cancelAt: 7 });
  expect(outcome).toMatchObject({ ok: false, error: { name: "CancelledError" } });
  await expect.poll(() => server.cancelled).toEqual(["tools/call search"]);
  await expect.poll(() => server.openSessions).toBe(0);
});

test("a server is told of a call whose time is over, and of no other", async () => {
  const server = await start();
  server.trouble = (method, { n }) => (method === "tools/call search" && n === 0 ? "hang" : undefined);
  const { outcome } = await runAgent(server, { replies: SEARCH, client: { timeoutMs: 1_500 } });
  expect(outcome.ok).toBe(true);
  await expect.poll(() => server.openSessions).toBe(0);
  expect(server.cancelled).toEqual(["tools/call search"]);
});

test("a stream that breaks off goes on where it ended: the call is not made again", async () => {
  const server = await start({
    search: {
      call: async () => {
        await delay(120);
        return text("found");
      },
    },
  });
  server.trouble = (method) => (method === "tools/call search" ? "break" : undefined);
  const { outcome, attempts, model } = await runAgent(server, { replies: SEARCH });
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect([attempts, server.count("search")]).toEqual([1, 1]);
  expect(server.requests.filter((request) => request.startsWith("GET"))).toEqual(["GET the rest"]);
  expect(JSON.stringify(model.calls[1]?.prompt.at(-1))).toContain("found");
});

test("a stream whose rest nobody has is a call that failed, and is retried with the same key", async () => {
  const server = await start();
  server.trouble = (method, { n }) => (method === "tools/call search" && n === 0 ? "break-off" : undefined);
  const { outcome, attempts } = await runAgent(server, { replies: SEARCH });
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect(attempts).toBe(2);
  expect(server.requests.filter((request) => request.startsWith("GET"))).toEqual(["GET refused"]);
  expect(new Set(server.effects.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
});

test("a server that tells of progress has more time", async () => {
  const server = await start({
    search: {
      call: async (call) => {
        for (let n = 1; n <= 13; n++) {
          await delay(200);
          call.progress(n);
        }
        return text("found");
      },
    },
  });
  const { outcome, attempts } = await runAgent(server, { replies: SEARCH, client: { timeoutMs: 2_000 } });
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect([attempts, server.count("search")]).toEqual([1, 1]);
});

test("progress without end is no progress: there is a bound", async () => {
  let isOver = false;
  const server = await start({
    search: {
      call: async (call) => {
        for (let n = 1; call.n === 0 && !isOver; n++) {
          await delay(50);
          call.progress(n);
        }
        return text("found");
      },
    },
  });
  const client = { timeoutMs: 1_000, longestMs: 1_200 };
  const { outcome } = await runAgent(server, { replies: SEARCH, client });
  isOver = true;
  expect(outcome).toEqual({ ok: true, value: "done" });
  expect(server.count("search")).toBeGreaterThan(1);
});

test("structured content that the server says in no other way is what the model sees", async () => {
  const server = await start({ search: { call: () => ({ content: [], structuredContent: { celsius: 21 } }) } });
  const { model } = await runAgent(server, { replies: SEARCH });
  expect(JSON.stringify(model.calls[1]?.prompt.at(-1))).toContain('{\\"celsius\\":21}');
});

test.each([
  [{ name: "a b" }, "name must consist"],
  [{ name: "" }, "name must consist"],
  [{ url: "ftp://x" }, "url must be"],
  [{ url: "nonsense" }, "url must be"],
  [{ timeoutMs: 0 }, "timeoutMs must be"],
  [{ connectTimeoutMs: 1.5 }, "connectTimeoutMs must be"],
  [{ prefix: "a b" }, "prefix must consist"],
])("%j is refused where the client is defined", (options, message) => {
  expect(() => new McpClient({ name: "files", url: "http://127.0.0.1:1/mcp", ...options })).toThrow(message);
});
