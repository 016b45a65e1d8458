/**
 * Who may call the Restate endpoint (G9): requests of a real restate-server that signs, and forged ones. A handler that
 * runs is an effect, so what must not run is counted from outside.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateCloud, startRestateCloud } from "../../src/testing/restate-cloud.ts";
import { RestateIdentity } from "../../src/testing/restate-identity.ts";
import { repliesByTurn, type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { serveDeno, type ServedEndpoint, serveWorker } from "../../src/testing/serve.ts";
import { exchange } from "./fuzz/raw-http.ts";
import { sendEndlessBody } from "./identity/endless-body.ts";
import { INVOCATION_CONTENT_TYPE } from "./identity/invocation-body.ts";
import { PATH_ROWS } from "./identity/path-rows.ts";
import { rawRequest, type RawRequest } from "./identity/raw-request.ts";
import { DISCOVER, forgedToken, INVOKE, requestTo, signature, TARGETS } from "./identity/targets.ts";
import { type Signers, tokenRows } from "./identity/token-rows.ts";
import { countsOf, isRefusal, verdictOn } from "./identity/verdict.ts";
import { wireRows } from "./identity/wire-rows.ts";

const known = new RestateIdentity();
const next = new RestateIdentity();
const stranger = new RestateIdentity();
const BOTH = `${known.publicKey}, ${next.publicKey}`;
const signers: Signers = { known, alsoKnown: next, stranger };

let effects: EffectServer;
let openai: ScriptedOpenAI;
let restate: RestateCloud;
let worker: ServedEndpoint;

beforeAll(async () => {
  effects = await startEffectServer();
  const reply = repliesByTurn([{ toolCalls: [{ id: "call_1", name: "note", input: { id: "n" } }] }, { text: "noted" }]);
  openai = await startScriptedOpenAI(reply);
  [restate, worker] = await Promise.all([
    startRestateCloud({ identity: known, retry: { initialIntervalMs: 50, maxIntervalMs: 100 } }),
    serveWorker({ entry: fixture("worker"), vars: varsWith(BOTH) }),
  ]);
}, 90_000);
afterAll(() => Promise.all([restate.stop(), worker.stop(), openai.close(), effects.close()]));
beforeEach(() => {
  effects.reset();
  openai.reset();
});

/** The app's settings in production, with these keys. */
const varsWith = (keys: string | undefined, environment = "production"): Record<string, string> => ({
  ENVIRONMENT: environment,
  EFFECT_URL: effects.url,
  OPENAI_BASE_URL: openai.baseURL,
  ...(keys === undefined ? {} : { RESTATE_IDENTITY_KEYS: keys }),
});
const fixture = (file: string): string => new URL(`../fixtures/identity/${file}.ts`, import.meta.url).pathname;

const portOf = ({ url }: ServedEndpoint): number => Number(new URL(url).port);

describe.each(["workerd", "deno"] as const)("forged requests to %s", (runtime) => {
  let endpoint: ServedEndpoint;
  beforeAll(async () => {
    endpoint = runtime === "workerd" ? worker : await serveDeno({ entry: fixture("deno"), vars: varsWith(BOTH) });
  }, 60_000);
  afterAll(() => (endpoint === worker ? undefined : endpoint.stop()));

  test.each(TARGETS)("$name: signatures", async (target) => {
    const wrong: string[] = [];
    const rows = tokenRows(signers, target);
    let served = 0;
    for (const [index, { what, headers, isServed }] of rows.entries()) {
      const key = `${target.name}-${index}`;
      const answer = await rawRequest(endpoint.url, requestTo(target, key, headers));
      const ran = target.effect === undefined ? 0 : effects.count(target.effect, key);
      if (isServed === true) {
        served += 1;
        const expected = target.effect === undefined ? 0 : 1;
        if (answer.status !== 200 || ran !== expected) wrong.push(`${what}: ${answer.status}, ran ${ran} times`);
        continue;
      }
      const verdict = verdictOn(answer, 401, "identity-rejected");
      if (verdict !== undefined || ran > 0) wrong.push(`${what}: ${verdict ?? ""}, ran ${ran} times`);
    }
    console.log(`${runtime}, ${target.name}: ${rows.length} signatures, ${served} of them right`);
    expect(wrong).toEqual([]);
    expect(effects.effects.length).toBe(target.effect === undefined ? 0 : served);
  });

  test("other paths, spellings and methods", async () => {
    const wrong: string[] = [];
    for (const { target, change, status, code } of PATH_ROWS) {
      const headers = signature(forgedToken(known, target.path));
      const request = requestTo(target, "path", headers, change);
      const body =
        request.method === "GET" || request.method === "HEAD" ? undefined : Buffer.from(target.body("path") ?? "");
      const verdict = verdictOn(await rawRequest(endpoint.url, { ...request, body }), status, code);
      if (verdict !== undefined) wrong.push(`${request.method} ${request.path}, signed for ${target.path}: ${verdict}`);
    }
    console.log(`${runtime}: ${PATH_ROWS.length} other paths, spellings and methods`);
    expect(wrong).toEqual([]);
    expect(effects.effects).toEqual([]);
  });

  test("a right request is served under another spelling of the same URL", async () => {
    const headers = signature(forgedToken(known, INVOKE.path));
    const paths = ["/restate/x/../invoke/Vault/open", "/restate/./invoke/Vault/open", "/restate/invoke/Vault/open?x=1"];
    for (const path of paths) {
      expect((await rawRequest(endpoint.url, requestTo(INVOKE, path, headers, { path }))).status).toBe(200);
      const unsigned = await rawRequest(endpoint.url, requestTo(INVOKE, path, {}, { path }));
      expect(verdictOn(unsigned, 401, "identity-rejected")).toBeUndefined();
    }
    expect(effects.count("open")).toBe(paths.length);
  });

  test("bytes that are hardly requests run nothing, and none is answered with a 5xx", async () => {
    const rows = wireRows(forgedToken(known, INVOKE.path));
    const wrong: string[] = [];
    const answers: number[] = [];
    for (const { what, bytes } of rows) {
      const outcome = await exchange(portOf(endpoint), [bytes], { timeoutMs: 5_000 });
      const status = outcome.kind === "answer" ? outcome.answer.status : outcome.kind === "closed" ? 0 : Number.NaN;
      answers.push(status);
      if (!isRefusal(what, status)) wrong.push(`${what}: ${outcome.kind} ${status}`);
    }
    console.log(`${runtime}: ${rows.length} requests as bytes: ${countsOf(answers)}`);
    expect(wrong).toEqual([]);
    expect(effects.effects).toEqual([]);
    expect((await fetch(`${endpoint.url}/health`)).status).toBe(200);
  });

  test("an unsigned body that is huge, endless or never comes is refused before it is there", async () => {
    const head = (length: string): string =>
      `POST /restate/invoke/Vault/open HTTP/1.1\r\nhost: worker.test\r\ncontent-type: ${INVOCATION_CONTENT_TYPE}\r\n${length}\r\n\r\n`;
    const piece = Buffer.alloc(65_536, 65);
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), piece, Buffer.from("\r\n")]);
    const bodies = [
      [head("content-length: 10737418240"), piece],
      [head("transfer-encoding: chunked"), chunk],
      [head("content-length: 10737418240"), Buffer.alloc(0)],
      [head("transfer-encoding: chunked"), Buffer.alloc(0)],
    ] as const;
    for (const [start, part] of bodies) {
      const { status, sent } = await sendEndlessBody(portOf(endpoint), start, part);
      // workerd closes a connection whose sender does not stop, which may overtake its answer.
      if (runtime === "deno" || part.length === 0) expect(status).toBe(401);
      else expect([0, 401]).toContain(status);
      // What the kernel's buffers take is more than what the app reads.
      expect(sent).toBeLessThan(32 * 1_048_576);
    }
    expect(effects.effects).toEqual([]);
    const refusals = (): number => endpoint.log.split('"status":401,"code":"identity-rejected"').length - 1;
    await expect.poll(refusals).toBeGreaterThanOrEqual(bodies.length);
  });

  test("nothing of a signature is logged", () => {
    const tokens = /eyJ[\w-]+\.[\w-]+\.|eyJ[\w-]{40,}/;
    expect(tokens.exec(endpoint.log)?.[0]).toBeUndefined();
  });
});

describe("a restate-server that signs", () => {
  beforeAll(async () => {
    await worker.restart(varsWith(known.publicKey));
    await restate.register(`${worker.url}/restate`, { http11: true });
  }, 60_000);

  /** Status and code of a request that is signed by `signer`, or by nobody. */
  async function ask(signer?: RestateIdentity): Promise<readonly [number, string]> {
    const headers = signer === undefined ? {} : signature(forgedToken(signer, DISCOVER.path));
    const answer = await rawRequest(worker.url, requestTo(DISCOVER, "", headers) satisfies RawRequest);
    const { code = "" } = JSON.parse(answer.body.toString()) as { readonly code?: string };
    return [answer.status, code];
  }

  test("discovers, invokes, and runs an agent from beginning to end", async () => {
    expect(await restate.call("Vault/count", "signed")).toMatchObject({ status: 200 });
    expect(effects.count("count", "signed")).toBe(1);
    expect(await restate.call("Keeper/run", "note it")).toMatchObject({ status: 200, body: "noted" });
    expect(effects.count("note", "n")).toBe(1);
    expect(openai.count).toBe(2);
  });

  test("is refused, and its invocations wait, while the app knows another key only", async () => {
    await worker.restart(varsWith(stranger.publicKey));
    await expect(restate.register(`${worker.url}/restate`, { http11: true })).rejects.toThrow("401");
    const id = await restate.send("Vault/count", "waits");
    await restate.waitForStatus(id, "backing-off");
    const [row] = await restate.query<{ failure: string }>(
      `SELECT last_failure AS failure FROM sys_invocation WHERE id = '${id}'`,
    );
    expect(row?.failure).toContain("401");
    expect(effects.effects).toEqual([]);
    await worker.restart(varsWith(known.publicKey));
    expect(await restate.attach(id, 20_000)).toMatchObject({ status: 200 });
    expect(effects.count("count", "waits")).toBe(1);
  });

  test("changes its key without a gap: old, both, new", async () => {
    expect([await ask(known), await ask(next)]).toEqual([
      [200, ""],
      [401, "identity-rejected"],
    ]);
    await worker.restart(varsWith(`${known.publicKey},${next.publicKey}`));
    expect([await ask(known), await ask(next), await ask(stranger)]).toEqual([
      [200, ""],
      [200, ""],
      [401, "identity-rejected"],
    ]);
    expect(await restate.call("Vault/count", "old key, both known")).toMatchObject({ status: 200 });
    await restate.rotateIdentity(next);
    expect(await restate.call("Vault/count", "new key, both known")).toMatchObject({ status: 200 });
    await worker.restart(varsWith(next.publicKey));
    expect([await ask(known), await ask(next)]).toEqual([
      [401, "identity-rejected"],
      [200, ""],
    ]);
    expect(await restate.call("Vault/count", "new key")).toMatchObject({ status: 200 });
    expect(effects.counts().size).toBe(3);
  });

  const malformed = `${next.publicKey},publickeyv1_${"1".repeat(20)}`;
  test.each([
    ["no keys in production", undefined, "production", "identity-keys-missing"],
    ["empty keys in production", " , ", "production", "identity-keys-missing"],
    ["no keys, ENVIRONMENT misspelt", undefined, "Development", "identity-keys-missing"],
    ["a malformed key beside a good one", malformed, "production", "identity-key-malformed"],
    ["a malformed key in development", malformed, "development", "identity-key-malformed"],
  ] as const)("%s: nothing is served to anyone", async (_what, keys, environment, code) => {
    await worker.restart(varsWith(keys, environment));
    expect([await ask(next), await ask(stranger), await ask()]).toEqual(Array(3).fill([503, code]));
    const unsigned = await rawRequest(worker.url, requestTo(INVOKE, "closed", {}));
    expect(verdictOn(unsigned, 503, code)).toBeUndefined();
    expect(effects.effects).toEqual([]);
  });

  test("without keys no restate-server can register the app", async () => {
    await worker.restart(varsWith(undefined));
    await expect(restate.register(`${worker.url}/restate`, { http11: true })).rejects.toThrow("503");
  });

  test("development: keys are checked when there are some, and without any everyone is served", async () => {
    await worker.restart(varsWith(next.publicKey, "development"));
    expect([await ask(next), await ask(stranger), await ask()]).toEqual([
      [200, ""],
      [401, "identity-rejected"],
      [401, "identity-rejected"],
    ]);
    await worker.restart(varsWith(undefined, "development"));
    expect(await ask()).toEqual([200, ""]);
  });
});
