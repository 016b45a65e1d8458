/** The code of docs/mcp.md, run as it is there. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Context } from "../../../src/index.ts";
import { runFake } from "../../../src/testing/in-memory.ts";
import { answeredToolCalls, type ScriptedOpenAI, startScriptedOpenAI } from "../../../src/testing/scripted-openai.ts";
import { type ScriptedMcp, startScriptedMcp, text } from "../../mcp/scripted-mcp.ts";

let openai: ScriptedOpenAI;
let files: ScriptedMcp;
let folder: string;
const blocks: Record<string, unknown>[] = [];

beforeAll(async () => {
  files = await startScriptedMcp({ read: { call: () => text("a file") } });
  openai = await startScriptedOpenAI((request) =>
    answeredToolCalls(request) === 0
      ? { toolCalls: [{ id: "c1", name: "files_read", input: {} }] }
      : { text: "It says: a file" },
  );
  process.env["OPENAI_BASE_URL"] = openai.baseURL;
  process.env["OPENAI_API_KEY"] = "test";
  process.env["FILES_MCP_URL"] = files.url;
  process.env["FILES_MCP_TOKEN"] = "token-of-the-guide";
  // A folder that no other check looks into, below the packages that the code imports.
  const coverage = join(import.meta.dirname, "../../../coverage");
  await mkdir(coverage, { recursive: true });
  folder = await mkdtemp(join(coverage, "guide-"));
  const page = await readFile(new URL("../../../docs/mcp.md", import.meta.url), "utf8");
  for (const [index, [, code = ""]] of [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].entries()) {
    const path = join(folder, `block-${index}.ts`);
    const local = code
      .replaceAll('"restate-edge-agents"', '"../../src/index.ts"')
      .replaceAll('"restate-edge-agents/routes"', '"../../routes/index.ts"');
    await writeFile(path, local);
    blocks.push((await import(path)) as Record<string, unknown>);
  }
}, 60_000);
afterAll(() => Promise.all([openai.close(), files.close(), rm(folder, { recursive: true, force: true })]));

test("its agent calls the server's tool", async () => {
  const { clerk } = blocks[0] as { clerk: { service: { run: (context: Context, input: string) => Promise<string> } } };
  const { outcome, journal } = await runFake((context) => clerk.service.run(context, "What does it say?"));
  expect(outcome).toEqual({ ok: true, value: "It says: a file" });
  expect(journal.commands[0]).toBe("run clerk mcp files list");
  expect(files.effects[0]?.headers.authorization).toBe("Bearer token-of-the-guide");
});

test("its app serves /mcp, to nobody without a key", async () => {
  const { default: app } = blocks[1] as { default: { request: (path: string, init: object) => Promise<Response> } };
  const response = await app.request("/mcp", { method: "POST", body: "{}" });
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ code: "api-keys-missing" });
});

test("it shows two programs, and both were run", () => {
  expect(blocks).toHaveLength(2);
});
