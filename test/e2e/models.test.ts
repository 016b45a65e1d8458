/** Models of every kind on workerd and a real restate-server, with the real client over HTTP. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { wordEmbedding } from "../../src/testing/openai-media.ts";
import {
  type MediaScript,
  type Script,
  type ScriptedOpenAI,
  startScriptedOpenAI,
} from "../../src/testing/scripted-openai.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { startTestRestate, type TestRestate } from "./stack.ts";

const ADMIN_TOKEN = "token-of-the-models-test";
const FILES = ["A cat", "A longer text about dogs", "Some birds"];

let stack: TestRestate;
let worker: ServedEndpoint;
let openai: ScriptedOpenAI;
let effects: EffectServer;
let media: MediaScript;
let script: Script;
let rerankMs: number;

beforeAll(async () => {
  effects = await startEffectServer({ delayMs: () => rerankMs });
  openai = await startScriptedOpenAI((request, n) => script(request, n), { media: (request, n) => media(request, n) });
  stack = await startTestRestate();
  worker = await serveWorker({
    entry: new URL("../fixtures/models/worker.ts", import.meta.url).pathname,
    trustedCertificates: stack.trustedCertificates,
    vars: { ...stack.vars, OPENAI_BASE_URL: openai.baseURL, EFFECT_URL: effects.url, ADMIN_TOKEN },
  });
  await stack.restate.register(`${worker.url}/restate`, { http11: true });
}, 120_000);
afterAll(() => Promise.all([stack.restate.stop(), worker.stop(), openai.close(), effects.close()]));

beforeEach(() => {
  openai.reset();
  effects.reset();
  rerankMs = 0;
  media = () => ({});
  script = () => ({ text: "unscripted" });
});

const STEPS = [
  "text-embedding-3-small embed 1",
  "text-embedding-3-small embed 2",
  "text-embedding-3-small embed 3",
  "by-length rerank 1",
  "gpt-image-1 image 1",
  "gpt-4o-mini-tts speech 1",
  "gpt-4o-transcribe transcribe 1",
];

async function commands(id: string): Promise<string[]> {
  const rows = await stack.restate.journal(id);
  return rows.flatMap(({ entry_type, name }) => (entry_type.startsWith("Command: Run") ? [name ?? ""] : []));
}

async function completed(id: string): Promise<number> {
  const rows = await stack.restate.journal(id);
  return rows.filter(({ entry_type }) => entry_type.startsWith("Notification: Run")).length;
}

async function invoke(handler: string, input: unknown): Promise<{ readonly id: string; readonly body: unknown }> {
  const id = await stack.restate.send(handler, input);
  return { id, body: (await stack.restate.attach(id)).body };
}

/** A batch has one text here. */
function inputText(input: unknown): string {
  return Array.isArray(input) ? input.join() : "";
}

/** How often each provider call was made: embeddings by text, the others by endpoint. */
function counts(): Record<string, number> {
  const counted: Record<string, number> = { rerank: effects.effects.length };
  for (const { path, body } of openai.mediaRequests) {
    const name = path === "/embeddings" ? `${path} ${inputText(body["input"])}` : path;
    counted[name] = (counted[name] ?? 0) + 1;
  }
  return counted;
}

const ONCE = {
  "/embeddings A cat": 1,
  "/embeddings A longer text about dogs": 1,
  "/embeddings Some birds": 1,
  rerank: 1,
  "/images/generations": 1,
  "/audio/speech": 1,
  "/audio/transcriptions": 1,
};

test("a handler embeds, reranks, draws, speaks and listens: each call once, and a step of its own", async () => {
  const { id, body } = await invoke("Media/make", { topic: "pets", files: FILES });
  expect(body).toMatchObject({
    embeddings: FILES.map((file) => wordEmbedding(file)),
    best: "A longer text about dogs",
    audio: "SUQzBAAAAAAAAP/7kAA=",
    text: "scripted transcript",
  });
  expect(await commands(id)).toEqual(STEPS);
  expect(counts()).toEqual(ONCE);
});

test.each([
  ["/embeddings A longer text about dogs", 2],
  ["rerank", 3],
  ["/images/generations", 4],
  ["/audio/speech", 5],
  ["/audio/transcriptions", 6],
] as const)("the Worker dies during %s: only that call is made again", async (name, before) => {
  let hangs = true;
  const isIt = (path: string, input: unknown): boolean =>
    name === (path === "/embeddings" ? `${path} ${inputText(input)}` : path);
  media = ({ path, body }) => (hangs && isIt(path, body["input"]) ? { hang: true } : {});
  rerankMs = name === "rerank" ? 600_000 : 0;
  const id = await stack.restate.send("Media/make", { topic: `pets ${name}`, files: FILES });
  const isAtIt = async (): Promise<boolean> => counts()[name] === 1 && (await completed(id)) === before;
  await waitUntil(`The Worker is not at ${name}`, isAtIt, { timeoutMs: 60_000, everyMs: 50 });
  hangs = false;
  rerankMs = 0;
  await worker.kill();
  await worker.start();
  const { body } = await stack.restate.attach(id);
  expect(body).toMatchObject({ text: "scripted transcript", embeddings: FILES.map((file) => wordEmbedding(file)) });
  expect(counts()).toEqual({ ...ONCE, [name]: 2 });
  expect(await commands(id)).toEqual(STEPS);
});

test("a provider that is down or refuses is retried by Restate, or ends the invocation, with its name", async () => {
  media = ({ path }, n) => (path === "/embeddings" && n < 3 ? { error: { status: 503 } } : {});
  const { body } = await stack.restate.call("Media/make", { topic: "down", files: ["one"] });
  expect(body).toMatchObject({ text: "scripted transcript" });
  expect(counts()["/embeddings one"]).toBe(4);
  media = ({ path }) => (path === "/images/generations" ? { error: { status: 400, message: "not allowed" } } : {});
  openai.reset();
  const refused = await stack.restate.call("Media/make", { topic: "refused", files: ["one"] });
  expect(JSON.stringify(refused.body)).toContain(
    "Model call failed: openai.image gpt-image-1 answered 400: not allowed",
  );
  expect(counts()).toMatchObject({ "/embeddings one": 1, "/images/generations": 1 });
});

test("a fallback model asks the next one inside the same step, and the timeline tells", async () => {
  script = ({ body }) => {
    if (body["model"] === "gpt-down") return { error: { status: 503 } };
    return body["model"] === "gpt-slow" ? { hang: true } : { text: "still here" };
  };
  const { id, body } = await invoke("Stubborn/run", "Anybody?");
  expect(body).toBe("still here");
  expect(openai.requests.map((request) => request.body["model"])).toEqual(["gpt-down", "gpt-slow", "gpt-up"]);
  expect(openai.requests[1]?.aborted).toBe(true);
  expect(await commands(id)).toEqual(["stubborn model 1"]);
  const response = await fetch(`${worker.url}/admin/invocations/${id}/timeline`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  const timeline = (await response.json()) as { readonly steps: readonly { readonly kind: string }[] };
  expect(timeline.steps.find(({ kind }) => kind === "model")).toMatchObject({
    model: {
      model: "gpt-test",
      fallback: {
        provider: "openai.responses",
        modelId: "gpt-up",
        tried: [
          { provider: "openai.responses", modelId: "gpt-down", code: "503" },
          { provider: "openai.responses", modelId: "gpt-slow", code: "timeout" },
        ],
      },
    },
  });
});
