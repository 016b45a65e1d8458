/** The `curl` examples of README.md, as a reader would run them. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { startTestRestate, type TestRestate } from "./stack.ts";

const API_KEY = "key-of-a-reader-1";
const ADMIN_TOKEN = "token-of-a-reader";

let stack: TestRestate;
let worker: ServedEndpoint;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "readme-test-"));
  // As a reader looks at the output: no progress meter, and a refusal is a failure.
  await writeFile(join(folder, ".curlrc"), "silent\nshow-error\nfail-with-body\nmax-time = 30\n");
  stack = await startTestRestate();
  const { vars, trustedCertificates } = stack;
  const entry = new URL("../../entry/worker.ts", import.meta.url).pathname;
  worker = await serveWorker({
    entry,
    trustedCertificates,
    vars: { ...vars, AGENT_API_KEYS: API_KEY, ADMIN_TOKEN },
  });
  await stack.restate.register(`${worker.url}/restate`, { http11: true });
}, 60_000);
afterAll(() => Promise.all([stack.restate.stop(), worker.stop(), rm(folder, { recursive: true, force: true })]));

/** A call of `curl`, not the word in a comment. */
const CALL = /^(?:\w+=\$\()?curl /gm;

/** The shell blocks of a page that call `curl`, in order. */
function curlBlocks(page: string): string[] {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  return blocks.filter((block) => block.match(CALL) !== null);
}

test("every curl example of the README works", { timeout: 120_000 }, async () => {
  const page = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const blocks = curlBlocks(page);
  // Variables live on from block to block, as in a reader's shell.
  const script = ["set -euo pipefail", ...blocks.map((block) => `${block}\nprintf '\\n=== end of block ===\\n'`)];
  const { stdout } = await promisify(execFile)("bash", ["-c", script.join("\n")], {
    env: { PATH: process.env["PATH"], CURL_HOME: folder, APP: worker.url, API_KEY, ADMIN_TOKEN },
    maxBuffer: 16 * 1024 * 1024,
    timeout: 100_000,
  });
  const outputs = stdout.split("\n=== end of block ===\n").slice(0, -1);
  expect(outputs).toHaveLength(blocks.length);
  const commands = blocks.reduce((sum, block) => sum + (block.match(CALL)?.length ?? 0), 0);
  // One in another kind of block would not be run.
  expect(commands).toBe(page.match(CALL)?.length);
  const [asked = "", later = "", , chat = "", approvals = "", health = "", invocations = "", deployments = ""] =
    outputs;
  expect(asked).toContain("Berlin");
  expect(later).toContain("Paris");
  expect(chat).toMatch(/"type":"text-delta"[^]*\[DONE\][^]*"id":"m1-answer"/);
  expect(approvals).toContain('{"approvals":[]');
  expect(health).toContain('"status":"ok"');
  expect(invocations).toContain('"kind":"model"');
  expect(deployments).toContain("WeatherAgent");
  console.log(`${commands} curl commands in ${blocks.length} blocks`);
});
