import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { createEdgeApp, mcpServer, type McpServerOptions } from "../../../routes/index.ts";
import { runFacts } from "../../../src/admin/timeline/timeline-command.ts";
import { agentService, RestateAgent, service } from "../../../src/index.ts";
import { scriptedModel } from "../../../src/testing/in-memory.ts";

const guide = agentService("Guide", new RestateAgent({ id: "guide", model: scriptedModel([{ text: "left" }]) }));
const hidden = service({
  name: "Hidden",
  handlers: { run: async () => Promise.resolve("x") },
  options: { ingressPrivate: true },
});
const KEY = "key-of-the-mcp-server-tests";

beforeEach(() => {
  vi.stubEnv("AGENT_API_KEYS", KEY);
  vi.stubEnv("RESTATE_INGRESS_URL", "http://127.0.0.1:1");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test.each<[string, McpServerOptions, RegExp]>([
  ["two tools of one name", { agents: [guide, guide] }, /two tools "Guide"/],
  ["a name that is none", { agents: [{ service: guide, name: "a b" }] }, /"a b" over MCP/],
  ["a wait of nothing", { agents: [guide], waitMs: 0 }, /waitMs must be/],
  ["a wait without end", { agents: [guide], maxWaitMs: Infinity }, /maxWaitMs must be/],
])("%s is refused where the server is defined", (_, options, message) => {
  expect(() => mcpServer(options)).toThrow(message);
});

test("an agent must be among the app's services", () => {
  expect(() => createEdgeApp({ services: [], mcp: mcpServer({ agents: [guide] }) })).toThrow(
    /the agents of mcp must be among services: current value has "Guide"/,
  );
});

async function rpc(app: ReturnType<typeof createEdgeApp>, method: string, params: object): Promise<string> {
  const response = await app.request("/mcp", {
    method: "POST",
    headers: {
      authorization: `Bearer ${KEY}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
  });
  return response.text();
}

test("a private handler is not called, though it is exposed", async () => {
  const mcp = mcpServer({ agents: [{ service: hidden, input: z.object({}) }] });
  const app = createEdgeApp({ services: [hidden], mcp, log: false });
  expect(await rpc(app, "tools/call", { name: "Hidden", arguments: {} })).toContain("There is no Hidden/run to invoke");
});

test("Restate's absence is a tool's error that says what happened", async () => {
  const app = createEdgeApp({ services: [guide], mcp: mcpServer({ agents: [guide] }), log: false });
  const answer = await rpc(app, "tools/call", { name: "Guide", arguments: { prompt: "x" } });
  expect(answer).toContain('"isError":true');
  expect(answer).toContain("restate-unreachable");
});

test("an app without it has no /mcp", async () => {
  const app = createEdgeApp({ services: [guide], publicServices: [guide], log: false });
  expect((await app.request("/mcp", { method: "POST" })).status).toBe(404);
});

test("a timeline tells which server was asked", () => {
  expect(runFacts("clerk mcp files list")).toMatchObject({ kind: "mcp", agent: "clerk", server: "files" });
  expect(runFacts("mcp files call search")).toMatchObject({ kind: "mcp", server: "files" });
});
