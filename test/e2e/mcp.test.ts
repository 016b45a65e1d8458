/** Agents with tools of MCP servers, on a real Restate: scripted servers that fail, and real ones. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { McpStack, TOKEN, toolCall } from "../mcp/mcp-stack.ts";
import { type FilesServer, type RealServer, startEverything, startFiles } from "../mcp/real-servers.ts";
import { text } from "../mcp/scripted-mcp.ts";
import { runtimesFor } from "./lab-stack.ts";

describe.each(runtimesFor("MCP"))("on %s", (runtime) => {
  let stack: McpStack;
  let everything: RealServer;
  let older: RealServer;
  let files: FilesServer;

  beforeAll(async () => {
    [everything, older, files] = await Promise.all([startEverything(), startEverything("sse"), startFiles()]);
    stack = await McpStack.start(runtime, { EVERYTHING_URL: everything.url, SSE_URL: older.url, FILES_URL: files.url });
    console.log(`MCP servers: ${everything.what}; ${files.what}`);
  });
  afterAll(() => Promise.all([stack.stop(), everything.stop(), older.stop(), files.stop()]));
  beforeEach(() => {
    stack.reset();
    stack.scripted.tools = { search: { call: () => text("found") } };
  });

  async function run(service: string, input: unknown) {
    const id = await stack.restate.send(`${service}/run`, input);
    return { id, ...(await stack.restate.attach(id, 60_000)) };
  }

  test("the tools of a server are listed and called in steps", async () => {
    stack.turns({ toolCalls: [toolCall("c1", "search", { q: "x" })] }, { text: "done" });
    const { id, status, body } = await run("Clerk", "Go");
    expect([status, body]).toEqual([200, "done"]);
    expect(await stack.steps(id)).toEqual([
      "clerk mcp scripted list",
      "clerk model 1",
      "clerk tool search c1",
      "clerk model 2",
    ]);
    expect(stack.scripted.effects.map(({ input }) => input)).toEqual([{ q: "x" }]);
    expect(stack.scripted.effects[0]?.headers.authorization).toBe(`Bearer ${TOKEN}`);
    await expect.poll(() => stack.scripted.openSessions, { timeout: 20_000 }).toBe(0);
    const rows = await stack.restate.query<{ raw: string }>(
      `SELECT entry_json AS raw FROM sys_journal WHERE id = '${id}'`,
    );
    expect(rows.length).toBeGreaterThan(5);
    expect(JSON.stringify(rows)).not.toContain(TOKEN);
  });

  test("runs at the same time have connections of their own", async () => {
    stack.scripted.tools = {
      search: {
        call: async ({ input }) => {
          await delay(50);
          return text(`found ${String(input["run"])}`);
        },
      },
    };
    stack.script = (request) => {
      const run = /Go (\d)/.exec(JSON.stringify(request.body))?.[1] ?? "";
      const n = JSON.stringify(request.body).split("function_call_output").length - 1;
      return n < 3 ? { toolCalls: [toolCall(`c${n}`, "search", { run })] } : { text: `done ${run}` };
    };
    const runs = await Promise.all(Array.from({ length: 8 }, (_, n) => run("Clerk", `Go ${n}`)));
    expect(runs.map(({ body }) => body)).toEqual(Array.from({ length: 8 }, (_, n) => `done ${n}`));
    const users = new Map<string, Set<unknown>>();
    for (const { session, input } of stack.scripted.effects) {
      users.set(session, (users.get(session) ?? new Set()).add(input["run"]));
    }
    expect(stack.scripted.effects).toHaveLength(24);
    expect(new Set(stack.scripted.effects.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(24);
    expect([...users.values()].filter(({ size }) => size > 1)).toEqual([]);
  });

  test("parallel calls overlap", async () => {
    stack.scripted.tools = {
      slow: {
        call: async () => {
          await delay(400);
          return text("slow");
        },
      },
    };
    const calls = ["a", "b", "c"].map((id) => toolCall(id, "slow"));
    stack.turns({ toolCalls: calls }, { text: "done" });
    expect(await run("Clerk", "Go")).toMatchObject({ status: 200, body: "done" });
    expect(stack.scripted.highWater).toBe(3);
  });

  test("a server that drops, hangs, fails and restarts in the middle of a run costs retries, and nothing else", async () => {
    const troubles = [
      "drop",
      "end-after",
      { status: 503, headers: { "retry-after": "0" } },
      "hang",
      "drop-after",
    ] as const;
    stack.scripted.trouble = (method, { n }) => {
      if (method === "tools/list" && n < 2) return n === 0 ? "drop" : { status: 500 };
      if (method !== "tools/call search") return undefined;
      if (n === troubles.length) stack.scripted.restart();
      return troubles[n];
    };
    stack.turns({ toolCalls: [toolCall("c1", "search")] }, { toolCalls: [toolCall("c2", "search")] }, { text: "done" });
    expect(await run("Clerk", "Go")).toMatchObject({ status: 200, body: "done" });
    const keys = stack.scripted.effects.map(({ idempotencyKey }) => idempotencyKey);
    expect(new Set(keys).size).toBe(2);
  });

  test("a list that changes in the middle of a run changes nothing in it", async () => {
    stack.scripted.trouble = (method) => {
      if (method === "tools/call search") stack.scripted.tools = { other: { call: () => text("other") } };
      return undefined;
    };
    stack.scripted.tools["late"] = { call: () => text("late") };
    stack.turns(
      { toolCalls: [toolCall("c1", "search")] },
      { toolCalls: [toolCall("c2", "late")] },
      { toolCalls: [toolCall("c3", "other")] },
      { text: "done" },
    );
    const { id, status } = await run("Clerk", "Go");
    expect(status).toBe(200);
    expect((await stack.steps(id)).filter((step) => step.endsWith("list"))).toHaveLength(1);
    expect(stack.scripted.count("late") + stack.scripted.count("other")).toBe(0);
  });

  test("a server that does not let the app in ends the run at once", async () => {
    stack.scripted.trouble = (method) => (method === "server/discover" ? undefined : { status: 401 });
    const { status, body } = await run("Clerk", "Go");
    expect(status).toBe(500);
    expect(JSON.stringify(body)).toContain('MCP server \\"scripted\\" does not let this app in (401)');
  });

  test("two real servers at once: files are written and read, pictures and structured content come back", async () => {
    const path = join(files.folder, `note-${runtime}.txt`);
    stack.turns(
      {
        toolCalls: [
          toolCall("c1", "any_echo", { message: "hello" }),
          toolCall("c2", "any_get-sum", { a: 2, b: 3 }),
          toolCall("c3", "files_write_file", { path, content: "written by an agent" }),
          toolCall("c4", "any_get-tiny-image"),
          toolCall("c5", "any_get-structured-content", { location: "New York" }),
          // Longer than the client's two seconds for a request: it tells of progress.
          toolCall("c6", "any_trigger-long-running-operation", { duration: 3, steps: 6 }),
        ],
      },
      {
        toolCalls: [
          toolCall("d1", "files_read_text_file", { path }),
          toolCall("d2", "files_read_text_file", { path: "/etc/passwd" }),
          toolCall("d3", "any_list_resources"),
          toolCall("d4", "any_read_resource", { uri: "demo://resource/dynamic/text/1" }),
        ],
      },
      { text: "done" },
    );
    const { id, status, body } = await run("Librarian", "Go");
    expect([status, body]).toEqual([200, "done"]);
    expect(await readdir(files.folder)).toContain(`note-${runtime}.txt`);
    expect(await readFile(path, "utf8")).toBe("written by an agent");
    const told = JSON.stringify(stack.openai.requests.at(-1)?.body);
    for (const part of [
      "Echo: hello",
      "The sum of 2 and 3 is 5",
      "image/png",
      "temperature",
      "written by an agent",
      "3 seconds",
    ]) {
      expect(told).toContain(part);
    }
    expect(told).toMatch(/Access denied|outside allowed/i);
    expect(told).toContain("demo://resource/dynamic/text/1");
    const steps = await stack.steps(id);
    expect(steps.slice(0, 2)).toEqual(["librarian mcp everything list", "librarian mcp files list"]);
    expect(steps).toHaveLength(2 + 3 + 10);
  });

  test("resources and prompts of a real server, in steps of a handler", async () => {
    const { id, body } = await run("Reader", "demo://resource/dynamic/text/2");
    expect(body).toMatchObject({ read: { contents: [{ uri: "demo://resource/dynamic/text/2" }] } });
    expect((body as { prompts: string[] }).prompts.length).toBeGreaterThan(1);
    expect((body as { resources: number }).resources).toBeGreaterThan(1);
    expect((await stack.steps(id)).sort()).toEqual([
      "mcp everything prompts",
      "mcp everything resource demo://resource/dynamic/text/2",
      "mcp everything resources",
    ]);
  });

  test("a server of the older transport, SSE, is reached as well", async () => {
    const id = await stack.restate.send("Reader/older", "over SSE");
    const { status, body } = await stack.restate.attach(id, 60_000);
    expect(status).toBe(200);
    expect(JSON.stringify(body)).toContain("Echo: over SSE");
  });

  test("what a server asks the user for is a question among the approvals, and its answer reaches the server", async () => {
    const schema = { type: "object", properties: { room: { type: "string", enum: ["A", "B"] } }, required: ["room"] };
    const booked: unknown[] = [];
    stack.scripted.tools = {
      book: {
        call: async (call) => {
          const { action, content } = await call.elicit("Which room?", schema);
          if (action === "accept") booked.push(content);
          return text(`${String(action)} ${JSON.stringify(content ?? null)}`);
        },
      },
    };
    stack.turns({ toolCalls: [toolCall("c1", "book")] }, { text: "done" });
    const id = await stack.restate.send("Asking/run", "Go");
    const authorization = "Bearer key-of-the-tests-of-mcp";
    const list = async (): Promise<{ id: string; kind: string; input: unknown }[]> => {
      const response = await fetch(`${stack.endpoint.url}/approvals?state=pending`, { headers: { authorization } });
      const { approvals = [] } = (await response.json()) as {
        approvals?: { id: string; kind: string; input: unknown }[];
      };
      return approvals;
    };
    await expect.poll(async () => (await list()).length, { timeout: 60_000 }).toBe(1);
    const [question] = await list();
    expect(question).toMatchObject({ kind: "question", tool: "book", input: { message: "Which room?" } });
    const answered = await fetch(`${stack.endpoint.url}/approvals/${question?.id}`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({ approved: true, reason: "B" }),
    });
    expect(answered.ok).toBe(true);
    expect(await stack.restate.attach(id, 60_000)).toMatchObject({ status: 200, body: "done" });
    expect(booked).toEqual([{ room: "B" }]);
    expect((await stack.steps(id)).filter((step) => step.includes("book"))).toEqual([
      "asking tool book c1",
      "asking tool book c1 #2",
    ]);
  });
});
