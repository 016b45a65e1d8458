import { fileURLToPath } from "node:url";

import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

import { chooseSeed, shareOf } from "./test/thorough.ts";

const MINUTE_MS = 60_000;

chooseSeed();

/** `expect.poll()` waits for what comes in its own time, on a busy machine as well. */
const patient = { poll: { timeout: 30_000 } };

/** Projects against a real stack share this machine's two cores, so their files run one after another. */
const realStack = {
  expect: patient,
  environment: "node",
  fileParallelism: false,
  testTimeout: 5 * MINUTE_MS,
  hookTimeout: 2 * MINUTE_MS,
  teardownTimeout: 30_000,
} as const;

/** Most of their time is wrangler's start, on one core: some files at once, and what Node has compiled is kept. */
const ship = {
  ...realStack,
  fileParallelism: true,
  env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url)) },
} as const;

/** End-to-end tests that also run behind the front of a cloud: TLS, tokens, signed requests (test/e2e/stack.ts). */
const alwaysBehindCloud = ["agents-api", "openapi-walk", "readme", "ready"];
/** Those of which a run does one. */
const someBehindCloud = ["agent", "outage"];
const behindCloud = [...alwaysBehindCloud, ...shareOf(someBehindCloud, 2, "behind a cloud")];
/** All that do, on Workers and on Deno: `npm test -- cloud`. */
const wholeCloud = [
  ...alwaysBehindCloud,
  ...someBehindCloud,
  "admin-invocations",
  "admin-limits",
  "admin",
  "client",
  "continue-as-new",
  "exactly-once",
  "window",
];

/** Tests that also run with encrypted journals, on Workers: `npm test`. */
const encrypted = ["e2e/chat", "e2e/session", "e2e/continue-as-new"];
/** All that do, on Workers and on Deno: `npm test -- encrypted-more`. */
const encryptedMore = [
  ...encrypted,
  "e2e/admin",
  "e2e/admin-invocations",
  "e2e/agent",
  "e2e/agents-api",
  "e2e/approvals",
  "e2e/approvals-many",
  "e2e/chat-client-tools",
  "e2e/chat-edit",
  "e2e/chat-named",
  "e2e/client",
  "e2e/exactly-once",
  "e2e/mcp",
  "e2e/mcp-server",
  "e2e/models",
  "e2e/session-endings",
  "e2e/session-more",
  "e2e/window",
  "crash/rollback",
  "crash/session",
  "crash/subagents",
  "crash/workerd-acknowledged",
];

/** Tests of the tool that need minutes each, as every deployment starts wrangler five times: `npm test -- ship-more`. */
const longShips = [
  "deno-deploy-interrupted",
  "deploy-choices",
  "deploy-interrupted",
  "deploy-interrupted-workers",
  "doctor",
  "doctor-cloudflare",
  "operate",
  "operate-cloudflare",
].map((file) => `test/ship/${file}.test.ts`);

/** Tests of the tool of which a run does one. */
const someShips = ["cloudflare", "deno-deploy", "preview-url"].map((file) => `test/ship/${file}.test.ts`);
const shipsOfThisRun = shareOf(someShips, someShips.length, "tests of the tool");
const otherShips = someShips.filter((file) => !shipsOfThisRun.includes(file));

/** End-to-end tests of sessions, live streams and approvals. */
const conversations = ["approvals", "chat", "session", "streams"].map((begin) => `test/e2e/${begin}*.test.ts`);

const inTests = (files: readonly string[]): string[] => files.map((file) => `test/${file}.test.ts`);
const inEndToEnd = (files: readonly string[]): string[] => inTests(files.map((file) => `e2e/${file}`));

/** End-to-end tests that look at how long something takes, or at what overlaps: one file at a time. */
const alone = inEndToEnd(["abuse", "agent", "continue-as-new", "exactly-once", "kit", "outage", "telemetry", "window"]);

export default defineConfig({
  test: {
    // One more than CI has cores: while one waits for a server, a timer or a person, two others work.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "unit",
          environment: "node",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 3 * MINUTE_MS,
          expect: patient,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: { ENVIRONMENT: "development" }, r2Buckets: ["BLOBS"] },
          }),
        ],
        test: { name: "workers", include: ["test/workers/**/*.test.ts"], testTimeout: MINUTE_MS },
      },
      { test: { ...realStack, name: "e2e", include: alone } },
      // These wait for servers, models and people most of the time, so some files at once fit.
      {
        test: {
          ...realStack,
          name: "e2e-pairs",
          fileParallelism: true,
          include: ["test/e2e/**/*.test.ts"],
          exclude: [...alone, ...conversations],
        },
      },
      { test: { ...realStack, name: "conversations", fileParallelism: true, include: conversations } },
      {
        test: {
          ...realStack,
          name: "e2e-cloud",
          include: inEndToEnd(behindCloud),
          env: { RESTATE_STACK: "cloud", RUNTIMES: "workerd" },
        },
      },
      {
        test: { ...realStack, name: "cloud", include: inEndToEnd(wholeCloud), env: { RESTATE_STACK: "cloud" } },
      },
      // Each stack has its own Restate, and much of the time is waiting: some files at once fit.
      {
        test: {
          ...realStack,
          name: "encrypted",
          fileParallelism: true,
          include: inTests(encrypted),
          env: { JOURNALS: "encrypted", RUNTIMES: "workerd" },
        },
      },
      {
        test: {
          ...realStack,
          name: "encrypted-more",
          fileParallelism: true,
          include: inTests(encryptedMore),
          env: { JOURNALS: "encrypted" },
        },
      },
      { test: { ...ship, name: "ship", include: ["test/ship/**/*.test.ts"], exclude: [...longShips, ...otherShips] } },
      { test: { ...ship, name: "ship-more", include: longShips } },
      // These wait for people and timers most of the time, so some files at once fit.
      { test: { ...realStack, name: "examples", fileParallelism: true, include: ["test/examples/**/*.test.ts"] } },
      { test: { ...realStack, name: "browser", include: ["test/browser/**/*.test.ts"] } },
      // These wait for restarts most of the time, so some files at once fit.
      { test: { ...realStack, name: "crash", fileParallelism: true, include: ["test/crash/**/*.test.ts"] } },
    ],
  },
});
