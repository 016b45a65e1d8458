/**
 * `deploy` is interrupted at each of its steps, and started again: the end is always the same. One version of the code was
 * uploaded, it is the latest in Restate, Cloudflare has promoted it, and the app's own address serves it.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { DeployWorld, WORKER } from "./deploy-world.ts";
import {
  api,
  type Interruption,
  interruptAndRepeat,
  mainHealth,
  registration,
  type Row,
  titleOf,
  versionReady,
} from "./interruption.ts";

let world: DeployWorld;
beforeAll(async () => {
  world = await DeployWorld.start();
});
afterAll(() => world[Symbol.asyncDispose]());

const rows: Row[] = [];
afterAll(() => console.table(rows));

const firstUpload = api("PUT", /\/scripts\/desk(\?|$)/);
const upload = api("POST", /\/versions(\?|$)/);
const secrets = api("GET", /\/secrets/);
const served = api("GET", /\/deployments(\?|$)/);
const promotion = api("POST", /\/deployments(\?|$)/);
/** Nothing is asked for while the Worker is bundled. */
const BUNDLING = { said: "✓ Worker's settings and secrets" };
const SHORT = ["--timeout", "5"];

const interruptions: readonly Interruption[] = [
  { step: "first upload", when: { gate: "api", at: firstUpload, how: "done" }, signal: "SIGKILL" },
  { step: "restate", when: { gate: "admin", at: ({ path }) => path === "/version", how: "cut" } },
  { step: "settings", when: { gate: "api", at: secrets, how: "held" }, signal: "SIGINT" },
  { step: "settings", when: { gate: "api", at: secrets, how: "cut" } },
  { step: "bundle", when: BUNDLING, signal: "SIGINT" },
  { step: "bundle", when: BUNDLING, signal: "SIGKILL" },
  { step: "find", when: { gate: "api", at: served, how: "cut" } },
  { step: "find", when: { gate: "api", at: served, how: "held" }, signal: "SIGINT" },
  { step: "upload", when: { gate: "api", at: upload, how: "cut" } },
  { step: "upload", when: { gate: "api", at: upload, how: "lost" } },
  { step: "upload", when: { gate: "api", at: upload, how: "held" }, signal: "SIGKILL" },
  { step: "upload", when: { gate: "api", at: upload, how: "done" }, signal: "SIGKILL" },
  { step: "upload", when: { gate: "api", at: upload, how: "done" }, signal: "SIGINT" },
  { step: "ready", when: { gate: "network", at: versionReady, how: "cut" }, args: SHORT },
  { step: "ready", when: { gate: "network", at: versionReady, how: "held" }, signal: "SIGINT" },
  { step: "ready", when: { gate: "network", at: versionReady, how: "held" }, signal: "SIGKILL" },
  { step: "dry run", when: { gate: "admin", at: registration(true), how: "cut" } },
  { step: "dry run", when: { gate: "admin", at: registration(true), how: "held" }, signal: "SIGKILL" },
  { step: "register", when: { gate: "admin", at: registration(false), how: "cut" } },
  { step: "register", when: { gate: "admin", at: registration(false), how: "lost" } },
  { step: "register", when: { gate: "admin", at: registration(false), how: "done" }, signal: "SIGKILL" },
  { step: "smoke", when: { gate: "ingress", at: api("POST", /\/send\//), how: "cut" }, args: SHORT },
  { step: "smoke", when: { gate: "ingress", at: api("GET", /\/output\//), how: "held" }, signal: "SIGKILL" },
  { step: "promote", when: { gate: "api", at: promotion, how: "cut" } },
  { step: "promote", when: { gate: "api", at: promotion, how: "lost" } },
  { step: "promote", when: { gate: "api", at: promotion, how: "done" }, signal: "SIGKILL" },
  { step: "promote", when: { gate: "api", at: promotion, how: "held" }, signal: "SIGINT" },
  { step: "main", when: { gate: "network", at: mainHealth, how: "cut" }, args: SHORT },
  { step: "main", when: { gate: "network", at: mainHealth, how: "held" }, signal: "SIGINT" },
  { step: "main", when: { gate: "network", at: mainHealth, how: "held" }, signal: "SIGKILL" },
];

const uploads = (): number => world.world.cloudflare.worker(WORKER)?.versions.length ?? 0;

test.for(interruptions.map((interruption) => [titleOf(interruption), interruption] as const))(
  "%s",
  async ([, interruption]) => {
    const before = uploads();
    const { row, document, live } = await interruptAndRepeat(world, interruption);
    rows.push({ ...row, uploads: uploads() - before });
    expect(live.promoted).toBe(document.version);
    expect(live.tags.at(-1)).toBe(`fp-${document.fingerprint}`);
    expect(uploads() - before).toBe(1);
  },
);

/** A version that nobody knows to work does not stay the latest (D5). */
const taken: readonly Interruption[] = [
  {
    step: "register",
    when: { gate: "admin", at: registration(false), how: "done", once: true },
    signal: "SIGINT",
  },
  { step: "smoke", when: { gate: "ingress", at: api("GET", /\/output\//), how: "held" }, signal: "SIGINT" },
];

test.for(taken.map((interruption) => [titleOf(interruption), interruption] as const))(
  "%s puts the version before back",
  async ([, interruption]) => {
    const before = await world.live();
    const { row, document, live, between } = await interruptAndRepeat(world, interruption);
    rows.push({ ...row, uploads: live.tags.length - before.tags.length });
    expect(between).toMatchObject({ promoted: before.promoted, latest: before.latest, main: before.main });
    expect(live.promoted).toBe(document.version);
    expect(live.tags).toHaveLength(before.tags.length + 1);
  },
);
