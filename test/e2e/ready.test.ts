/** GET /ready in workerd, against a real Restate: which version is registered, and many who ask at once. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { listen, type LoopbackServer } from "../../src/testing/http-server.ts";
import { type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { startTestRestate, type TestRestate } from "./stack.ts";

let stack: TestRestate;
/** Stands for the ingress, and can hold its answers back. */
let ingress: LoopbackServer;
let isHolding = false;
let held: (() => void)[] = [];
let asked = 0;

function hold(): void {
  isHolding = true;
  asked = 0;
}

function release(): void {
  isHolding = false;
  for (const answer of held) answer();
  held = [];
}

let first: ServedEndpoint;
let second: ServedEndpoint;

/** The same code; what the platform calls its version differs. */
function serveVersion(version: string): Promise<ServedEndpoint> {
  return serveWorker({
    entry: new URL("../fixtures/walk/worker.ts", import.meta.url).pathname,
    vars: {
      ...stack.vars,
      RESTATE_INGRESS_URL: ingress.url,
      DENO_DEPLOY_BUILD_ID: version,
      AGENT_API_KEYS: "an-api-key-of-tests",
    },
    trustedCertificates: stack.trustedCertificates,
  });
}

beforeAll(async () => {
  stack = await startTestRestate();
  ingress = await listen(async (_request, response) => {
    asked += 1;
    if (isHolding) await new Promise<void>((resolve) => held.push(resolve));
    response.end('{"services":[]}');
  });
  [first, second] = await Promise.all([serveVersion("version-1"), serveVersion("version-2")]);
});
afterAll(() => Promise.all([stack.restate.stop(), first.stop(), second.stop(), ingress.close()]));

interface Check {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
}

async function ready({ url }: ServedEndpoint): Promise<{ readonly status: number; readonly registered: string }> {
  const response = await fetch(`${url}/ready`);
  const { checks } = (await response.json()) as { readonly checks: readonly Check[] };
  const { status = "", detail = "" } = checks.find(({ name }) => name === "registered") ?? {};
  return { status: response.status, registered: `${status} ${detail}` };
}

/** Reports are kept for a few seconds. */
const becomes = (endpoint: ServedEndpoint, registered: string): Promise<void> =>
  waitUntil(`The check does not become ${registered}`, async () => (await ready(endpoint)).registered === registered, {
    timeoutMs: 15_000,
    everyMs: 100,
  });

const LATEST = "pass All services are registered, and this version is the latest";
const OTHER = "fail 3 of 3 services registered with another version as the latest";

test("a version is ready when it is the latest of its services, and no longer when another one is", async () => {
  expect(await ready(first)).toEqual({ status: 503, registered: "fail 3 of 3 services not registered with Restate" });
  await stack.restate.register(`${first.url}/restate`, { http11: true });
  await becomes(first, LATEST);
  expect((await ready(first)).status).toBe(200);
  expect(await ready(second)).toEqual({ status: 503, registered: OTHER });
  await stack.restate.register(`${second.url}/restate`, { http11: true });
  await becomes(second, LATEST);
  await becomes(first, OTHER);
});

test("who asks first and leaves does not keep the others waiting", async () => {
  await first.restart();
  hold();
  const leaving = new AbortController();
  const left = fetch(`${first.url}/ready`, { signal: leaving.signal }).then(
    () => "answered",
    () => "left",
  );
  await waitUntil("The ingress is not asked", () => held.length > 0);
  leaving.abort();
  expect(await left).toBe("left");
  const others = Array.from({ length: 40 }, () => fetch(`${first.url}/ready`).then((answer) => answer.json()));
  release();
  for (const report of await Promise.all(others)) {
    expect(report).toMatchObject({ checks: [{}, { name: "ingress", status: "pass" }, {}, {}, {}, {}] });
  }
  expect(asked).toBe(1);
});
