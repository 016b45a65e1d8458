/**
 * What `npm start` serves: the page out of the Worker's static assets, and out of a folder on Deno; a key of its own; and a
 * Worker that can be crashed. In a folder beside the repository, whose own data may be in use.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { buildPage } from "../../cli/page/build-page.ts";
import { inRoot } from "../../cli/stack/paths.ts";
import { waitUntil } from "../../src/testing/wait.ts";
import { shareOf } from "../thorough.ts";
import { startBrowser } from "./browser.ts";
import { Playground } from "./playground.ts";

const PARTS = ["agents", "deno.json", "entry", "node_modules", "package.json", "routes", "src", "web", "wrangler.toml"];
const START_MS = 120_000;

beforeAll(() => buildPage());

/** Where the playground is. */
async function start(...flags: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "npm-start-"));
  for (const part of PARTS) await symlink(inRoot(part), join(folder, part));
  const { OPENAI_API_KEY: _key, ...env } = process.env;
  const main = inRoot("cli/main.ts");
  const child = spawn(process.execPath, [main, "dev", "--cwd", folder, ...flags], { env, stdio: "pipe" });
  const ended = once(child, "exit");
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += String(chunk)));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  });
  await waitUntil(
    "The stack does not start",
    () => {
      if (child.exitCode !== null) throw new Error(`It has ended:\n${log}`);
      return log.includes("Ctrl-C ends it all");
    },
    { timeoutMs: START_MS, everyMs: 100 },
  );
  return /Playground +(http:\S+)/.exec(log)?.[1] ?? expect.unreachable(log);
}

async function open(url: string): Promise<Playground> {
  const browser = await startBrowser();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(url);
  return new Playground(page, "");
}

async function requestsOf(chat: Playground): Promise<number> {
  return Number(await chat.page.locator(".facts div", { hasText: "Requests" }).locator("dd").innerText());
}

const SERVERS = [
  ["wrangler dev", []],
  ["Deno", ["--deno"]],
] as const;

test.for(shareOf(SERVERS, 2, "npm start"))(
  "%s: the page works at once, without a key, and the app may be crashed",
  async ([, flags]) => {
    const url = await start(...flags);
    const chat = await open(url);
    await chat.see("Talk to Assistant");
    await chat.send("Please book a trip to Lisbon");
    await chat.see(/May bookTrip run/);
    await waitUntil("Requests are counted", async () => (await requestsOf(chat)) > 0, { timeoutMs: 20_000 });
    const before = await requestsOf(chat);
    await chat.button("Crash the Worker").click();
    await chat.see("The Worker was killed, and starts again");
    await waitUntil("The app is away", async () => !(await answers(`${url}health`)), {
      timeoutMs: 20_000,
      everyMs: 20,
    });
    await waitUntil("The app is back", () => answers(`${url}health`), { timeoutMs: 60_000, everyMs: 100 });
    await chat.button("Approve").click();
    await chat.see(/status booked/);
    await chat.settled();
    expect(await chat.messages.count()).toBe(2);
    // It was counted on by who did not die.
    await waitUntil("Requests are counted on", async () => (await requestsOf(chat)) > before, { timeoutMs: 20_000 });
  },
);

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
