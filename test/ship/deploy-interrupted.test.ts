/**
 * `deploy` is interrupted at each of its steps, and started again: the end is always the same. One version of the code was
 * uploaded, it is the latest in Restate, Cloudflare has promoted it, and the app's own address serves it.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Gates, DeployWorld, WORKER } from "./deploy-world.ts";
import type { Break, GateRequest } from "./gate.ts";

let world: DeployWorld;
beforeAll(async () => {
  world = await DeployWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const rows: Record<string, string | number>[] = [];
afterAll(() => console.table(rows));

/** What happens to one run. */
interface Interruption {
  readonly step: string;
  readonly gate: keyof Gates;
  readonly at: (request: GateRequest) => boolean;
  readonly how: Break;
  readonly signal?: NodeJS.Signals;
  readonly args?: readonly string[];
}

const api =
  (method: string, path: RegExp) =>
  (request: GateRequest): boolean =>
    request.method === method && path.test(request.path);
const registration =
  (isDry: boolean) =>
  ({ method, path, body }: GateRequest): boolean =>
    method === "POST" && path === "/deployments" && body.includes('"dry_run":true') === isDry;
const firstUpload = api("PUT", /\/scripts\/desk(\?|$)/);
const upload = api("POST", /\/versions(\?|$)/);
const promotion = api("POST", /\/deployments(\?|$)/);

const interruptions: readonly Interruption[] = [
  { step: "first upload", gate: "api", at: firstUpload, how: "done", signal: "SIGKILL" },
  { step: "restate", gate: "admin", at: ({ path }) => path === "/version", how: "cut" },
  { step: "settings", gate: "api", at: api("GET", /\/secrets/), how: "held", signal: "SIGINT" },
  { step: "settings", gate: "api", at: api("GET", /\/secrets/), how: "cut" },
  { step: "upload", gate: "api", at: upload, how: "cut" },
  { step: "upload", gate: "api", at: upload, how: "lost" },
  { step: "upload", gate: "api", at: upload, how: "held", signal: "SIGKILL" },
  { step: "upload", gate: "api", at: upload, how: "done", signal: "SIGKILL" },
  { step: "upload", gate: "api", at: upload, how: "done", signal: "SIGINT" },
  { step: "dry run", gate: "admin", at: registration(true), how: "cut" },
  { step: "dry run", gate: "admin", at: registration(true), how: "held", signal: "SIGKILL" },
  { step: "register", gate: "admin", at: registration(false), how: "cut" },
  { step: "register", gate: "admin", at: registration(false), how: "lost" },
  { step: "register", gate: "admin", at: registration(false), how: "done", signal: "SIGKILL" },
  { step: "smoke", gate: "ingress", at: api("POST", /\/send\//), how: "cut", args: ["--timeout", "5"] },
  { step: "smoke", gate: "ingress", at: api("GET", /\/output\//), how: "held", signal: "SIGKILL" },
  { step: "promote", gate: "api", at: promotion, how: "cut" },
  { step: "promote", gate: "api", at: promotion, how: "lost" },
  { step: "promote", gate: "api", at: promotion, how: "done", signal: "SIGKILL" },
  { step: "promote", gate: "api", at: promotion, how: "held", signal: "SIGINT" },
];

const WORDS: Readonly<Record<Break, string>> = {
  cut: "unreachable",
  lost: "done, the answer is lost",
  held: "in the request",
  done: "done, before the answer",
  delayed: "later",
};

test.for(interruptions)("$step: $how $signal", async ({ step, gate, at, how, signal, args = [] }) => {
  await world.change();
  const before = world.world.cloudflare.worker(WORKER)?.versions.length ?? 0;
  const running = world.start(args);
  world.gates[gate].break({
    matches: at,
    how,
    onBreak: () => {
      if (signal !== undefined) running.signal(signal);
    },
  });
  const interrupted = await running.ended;
  expect(world.gates[gate].open(), interrupted.log).toBe(true);
  expect(interrupted.code, interrupted.log).toBe(signal === undefined ? 4 : signal === "SIGINT" ? 130 : null);

  const again = await world.json();
  expect(again.code, again.log).toBe(0);
  const { version, fingerprint, outcome } = again.document;
  const live = await world.live();
  const uploads = live.tags.length - before;
  rows.push({
    step,
    interruption: `${WORDS[how]}${signal === undefined ? "" : `, ${signal}`}`,
    exit: String(interrupted.code ?? "killed"),
    "the second run": outcome,
    uploads,
    end: live.promoted === version && live.main === version && live.latest.join() === version ? "the same" : "another",
  });
  expect(live).toMatchObject({ promoted: version, latest: [version], main: version });
  expect(live.tags.at(-1)).toBe(`fp-${fingerprint}`);
  expect(uploads).toBe(1);
});

test("Ctrl-C during the smoke invocation puts the version before back", async () => {
  const before = await world.live();
  await world.change();
  const running = world.start();
  const at = api("GET", /\/output\//);
  world.gates.ingress.break({ matches: at, how: "held", onBreak: () => running.signal("SIGINT") });
  const { code, log } = await running.ended;
  world.gates.ingress.open();
  expect(code, log).toBe(130);
  expect(await world.live()).toMatchObject({ promoted: before.promoted, latest: before.latest, main: before.main });

  const again = await world.json();
  expect(again.code, again.log).toBe(0);
  const { version } = again.document;
  const live = await world.live();
  expect(live).toMatchObject({ promoted: version, latest: [version], main: version });
  expect(live.tags).toHaveLength(before.tags.length + 1);
  rows.push({
    step: "smoke",
    interruption: "in the request, SIGINT",
    exit: "130",
    "the second run": "deployed",
    uploads: 1,
    end: "the same",
  });
});
