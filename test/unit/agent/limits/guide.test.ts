/** The code of docs/limits.md, run as it is there against the scripted server. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Context } from "../../../../src/index.ts";
import { runFake } from "../../../../src/testing/in-memory.ts";
import {
  type ScriptedOpenAI,
  startScriptedOpenAI,
  turnOfConversation,
} from "../../../../src/testing/scripted-openai.ts";

type Handler = (context: Context, input: unknown) => Promise<unknown>;
type Handlers = { readonly service: Readonly<Record<string, Handler>> };

let openai: ScriptedOpenAI;
let folder: string;
const blocks: Readonly<Record<string, unknown>>[] = [];

beforeAll(async () => {
  openai = await startScriptedOpenAI((request) => {
    const turn = turnOfConversation(request);
    return { toolCalls: [{ id: `s${turn}`, name: "search", input: { query: "sales" } }] };
  });
  process.env["OPENAI_BASE_URL"] = openai.baseURL;
  process.env["OPENAI_API_KEY"] = "test";
  // A folder that no other check looks into, below the packages that the code imports.
  const coverage = join(import.meta.dirname, "../../../../coverage");
  await mkdir(coverage, { recursive: true });
  folder = await mkdtemp(join(coverage, "guide-"));
  const page = await readFile(new URL("../../../../docs/limits.md", import.meta.url), "utf8");
  for (const [index, [, code = ""]] of [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].entries()) {
    const path = join(folder, `block-${index}.ts`);
    const local = code.replaceAll('"restate-edge-agents"', '"../../src/index.ts"');
    await writeFile(path, local.replaceAll('"restate-edge-agents/routes"', '"../../routes/index.ts"'));
    blocks.push((await import(path)) as Readonly<Record<string, unknown>>);
  }
}, 60_000);
afterAll(() => Promise.all([openai.close(), rm(folder, { recursive: true, force: true })]));

const ask = async (definition: unknown, handler: string, input: unknown) => {
  const { service } = definition as Handlers;
  return runFake((context) => service[handler]?.(context, input) ?? Promise.reject(new Error(handler)), {
    signals: () => 1,
  });
};

test("there are three blocks, and a run with another budget reports what it used", async () => {
  expect(blocks).toHaveLength(3);
  const { outcome } = await ask(blocks[0]?.["quickResearch"], "run", "Why?");
  expect(outcome).toMatchObject({
    ok: true,
    value: {
      text: 'Stopped: the budget of run "researcher" is used up, 3 of 3 model calls.',
      spent: { steps: 3 },
      exceeded: { limit: "steps" },
    },
  });
});

test("its limit is asked for around steps", async () => {
  const { outcome, journal } = await ask(blocks[2]?.["pages"], "read", { tenant: "t1", page: "7" });
  expect(outcome).toEqual({ ok: true, value: "read 7" });
  expect(journal.commands).toEqual([
    "awakeable awakeable-1",
    "send OpenAILimit/t1/acquire",
    "run read",
    "send OpenAILimit/t1/release",
  ]);
});
