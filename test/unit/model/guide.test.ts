/** The code of docs/models.md, run as it is there against the scripted server. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Context, RestateAgent } from "../../../src/index.ts";
import { withRestateContext } from "../../../src/index.ts";
import { runFake } from "../../../src/testing/in-memory.ts";
import { wordEmbedding } from "../../../src/testing/openai-media.ts";
import { listen } from "../../../src/testing/http-server.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../../src/testing/scripted-openai.ts";

type Handler = (context: Context, input: unknown) => Promise<unknown>;

let openai: ScriptedOpenAI;
let folder: string;
const blocks: unknown[] = [];

beforeAll(async () => {
  openai = await startScriptedOpenAI(({ body }) =>
    body["model"] === "gpt-5.2" ? { error: { status: 503 } } : { text: "How can I help?" },
  );
  process.env["OPENAI_BASE_URL"] = openai.baseURL;
  process.env["OPENAI_API_KEY"] = "test";
  // A folder that no other check looks into, below the packages that the code imports.
  const coverage = join(import.meta.dirname, "../../../coverage");
  await mkdir(coverage, { recursive: true });
  folder = await mkdtemp(join(coverage, "guide-"));
  const page = await readFile(new URL("../../../docs/models.md", import.meta.url), "utf8");
  for (const [index, [, code = ""]] of [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].entries()) {
    const path = join(folder, `block-${index}.ts`);
    await writeFile(path, code.replaceAll('"restate-edge-agents"', '"../../src/index.ts"'));
    blocks.push(await import(path));
  }
});
afterAll(() => Promise.all([openai.close(), rm(folder, { recursive: true, force: true })]));

test("the handlers of the guide embed, draw, speak and listen", async () => {
  const { media } = blocks[0] as { media: { service: Readonly<Record<string, Handler>> } };
  const ask = async (name: string, input: unknown): Promise<unknown> => {
    const { outcome } = await runFake(
      (context) => media.service[name]?.(context, input) ?? Promise.reject(new Error(name)),
    );
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  };
  expect(await ask("index", ["one two", "three"])).toEqual([wordEmbedding("one two"), wordEmbedding("three")]);
  expect(await ask("draw", "a cat")).toMatch(/^iVBOR/);
  expect(await ask("say", "hello")).toMatch(/^SUQz/);
  const files = await listen(async (_, response) => {
    response.end(Buffer.from("RIFF0000WAVE"));
  });
  // A URL on loopback is refused by the AI SDK, for good: what a guide reader's mistake would look like.
  await expect(ask("hear", `${files.url}/call.wav`)).rejects.toMatchObject({ errorCode: "download-failed" });
  await files.close();
});

test("its agent is answered by the second model", async () => {
  const { agent } = blocks[1] as { agent: RestateAgent };
  const { outcome } = await runFake((context) =>
    withRestateContext(context, async () => (await agent.generate({ prompt: "Hello" })).text),
  );
  expect(outcome).toEqual({ ok: true, value: "How can I help?" });
  expect(openai.requests.map(({ body }) => body["model"])).toEqual(["gpt-5.2", "gpt-5.2-mini"]);
});

test("it shows two programs, and both were run", () => {
  expect(blocks.length).toBe(2);
});
