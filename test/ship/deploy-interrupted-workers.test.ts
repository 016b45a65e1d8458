/** The same with one Worker per version: each is uploaded once, and the plain Worker ends with the code of the latest. */
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

const ARGS = ["--strategy", "worker-per-version", "--version-url", "http://{worker}.acme.workers.dev"];
const SHORT = ["--timeout", "5"];
const upload = api("PUT", /\/scripts\/desk-[0-9a-f]{8}(\?|$)/);
/** The plain Worker exists by then: wrangler uploads a version of it, and deploys that. */
const promotion = api("POST", /\/scripts\/desk\/deployments(\?|$)/);
/** Of the version's Worker, which does not exist yet; the plain one's are listed before. */
const versions = api("GET", /\/scripts\/desk-[0-9a-f]{8}\/versions/);

const interruptions: readonly Interruption[] = [
  { step: "upload", when: { gate: "api", at: upload, how: "done" }, signal: "SIGKILL" },
  { step: "find", when: { gate: "api", at: versions, how: "held" }, signal: "SIGINT" },
  { step: "find", when: { gate: "api", at: versions, how: "cut" } },
  { step: "upload", when: { gate: "api", at: upload, how: "cut" } },
  { step: "upload", when: { gate: "api", at: upload, how: "lost" } },
  { step: "upload", when: { gate: "api", at: upload, how: "done" }, signal: "SIGINT" },
  { step: "ready", when: { gate: "network", at: versionReady, how: "cut" }, args: SHORT },
  { step: "register", when: { gate: "admin", at: registration(false), how: "lost" } },
  { step: "register", when: { gate: "admin", at: registration(false), how: "done" }, signal: "SIGKILL" },
  { step: "smoke", when: { gate: "ingress", at: api("GET", /\/output\//), how: "held" }, signal: "SIGKILL" },
  { step: "promote", when: { gate: "api", at: promotion, how: "cut" } },
  { step: "promote", when: { gate: "api", at: promotion, how: "lost" } },
  { step: "promote", when: { gate: "api", at: promotion, how: "done" }, signal: "SIGKILL" },
  { step: "promote", when: { gate: "api", at: promotion, how: "held" }, signal: "SIGINT" },
  { step: "main", when: { gate: "network", at: mainHealth, how: "cut" }, args: SHORT },
];

test.for(interruptions.map((interruption) => [titleOf(interruption), interruption] as const))(
  "%s",
  async ([, interruption]) => {
    const { args = [] } = interruption;
    const { row, document } = await interruptAndRepeat(world, { ...interruption, args: [...ARGS, ...args] });
    const { cloudflare } = world.world;
    const uploads = cloudflare.worker(document.worker ?? "")?.versions.length ?? 0;
    rows.push({ ...row, uploads });
    expect(document).toMatchObject({
      platform: "worker-per-version",
      worker: expect.stringMatching(/^desk-/) as string,
    });
    expect(uploads).toBe(1);
    const promoted = cloudflare.worker(WORKER)?.promoted;
    expect(promoted?.annotations["workers/tag"]).toBe(`fp-${document.fingerprint}`);
  },
);
