/** The playground in headless Chromium, against real Restate and workerd; the provider is scripted. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import { waitUntil } from "../../src/testing/wait.ts";
import { shareOf } from "../thorough.ts";
import { screenshot, seriousFindings } from "./browser.ts";
import type { Playground } from "./playground.ts";
import { PlaygroundStack } from "./playground-stack.ts";
import { STORY } from "./script.ts";

/** So that there is time to act while the provider speaks, also on a machine with much to do. */
const SLOW_MS = 400;
const QUICK_MS = 20;

let stack: PlaygroundStack;
const opened: Playground[] = [];

beforeAll(async () => {
  stack = await PlaygroundStack.start();
});
afterAll(() => stack.stop());
afterEach(async () => {
  stack.pace.wordMs = QUICK_MS;
  const complaints = opened.flatMap((playground) => playground.complaints);
  await Promise.all(opened.splice(0).map(({ page }) => page.context().close()));
  expect(complaints).toEqual([]);
});

async function open(options: Parameters<PlaygroundStack["open"]>[0] = {}): Promise<Playground> {
  const playground = await stack.open(options);
  opened.push(playground);
  return playground;
}

async function openAgain({ place }: Playground): Promise<Playground> {
  const playground = await stack.visit(place);
  opened.push(playground);
  return playground;
}

test("an answer streams in; beside it are its steps and tokens", async () => {
  const chat = await open();
  await chat.see("Talk to Assistant");
  stack.pace.wordMs = SLOW_MS;
  await chat.send("What is the weather? Tell it as a story");
  await chat.see(/word3/);
  // It streams: its beginning is there before its end.
  expect(await chat.text()).not.toContain("word60");
  stack.pace.wordMs = QUICK_MS;
  await chat.settled();
  expect(await chat.text()).toBe(STORY);
  expect(await chat.messages.count()).toBe(2);
  await chat.answer.getByText("getWeather").click();
  await chat.see('"temperatureC": 14');
  const steps = chat.page.locator(".step");
  const names = await steps.locator(".name").allInnerTexts();
  expect(names).toEqual(expect.arrayContaining(["assistant model 1", "assistant model 2"]));
  expect(await steps.filter({ hasText: "assistant model 1" }).innerText()).toContain("10 → 5 tokens");
});

test("a reload in mid-stream shows the rest, each word once", async () => {
  stack.pace.wordMs = SLOW_MS;
  const chat = await open();
  await chat.send("Tell me a story");
  await chat.see(/word3/);
  await chat.page.reload();
  await chat.see(/word3/);
  expect(await chat.text()).not.toContain("word60");
  stack.pace.wordMs = QUICK_MS;
  await chat.settled();
  expect(await chat.text()).toBe(STORY);
  expect(await chat.messages.count()).toBe(2);
});

test("the Worker dies in mid-stream: one whole answer, no word twice", async () => {
  stack.pace.wordMs = SLOW_MS;
  const chat = await open();
  await chat.send("Tell me a story");
  await chat.see(/word5/);
  await chat.watch();
  const { pid } = stack.worker;
  await chat.button("Crash the Worker").click();
  await waitUntil("The Worker is another one", () => stack.worker.pid !== pid, { timeoutMs: 30_000 });
  stack.pace.wordMs = QUICK_MS;
  await chat.settled();
  expect(await chat.text()).toBe(STORY);
  // Not for a moment was there something else than its beginning; and it went on live.
  const watched = await chat.watched();
  expect(watched.filter((text) => !STORY.startsWith(text.trim()))).toEqual([]);
  expect(watched.filter((text) => text.includes("word20") && !text.includes("word60"))).not.toEqual([]);
  expect(await chat.messages.count()).toBe(2);
  await chat.page.reload();
  await chat.see(/word60/);
  expect(await chat.text()).toBe(STORY);
});

test("a person approves in place, and the tool runs", async () => {
  const chat = await open();
  await chat.send("Please book a trip");
  await chat.see(/May bookTrip run/);
  // How long it waits is counted on.
  const waits = chat.page.locator(".step[data-state=waiting] .time");
  await waits.waitFor();
  const first = await waits.innerText();
  await waitUntil("It waits longer", async () => (await waits.innerText()) !== first, { timeoutMs: 10_000 });
  await chat.button("Approve").click();
  await chat.see("All is arranged.");
  await chat.settled();
  await chat.answer.getByText("bookTrip").click();
  await chat.see("Booked Lisbon");
});

test("a person denies with a reason, and the model is told", async () => {
  const chat = await open();
  await chat.send("Please book a trip");
  await chat.see(/May bookTrip run/);
  await chat.page.getByLabel(/Reason/).fill("Too far away");
  await chat.button("Deny").click();
  await chat.see("All is arranged.");
  await chat.settled();
  await chat.see("denied");
  expect(JSON.stringify(stack.openai.requests.at(-1)?.body)).toContain("Too far away");
});

test("a question of a tool is answered in place", async () => {
  const chat = await open();
  await chat.send("Please ask me");
  await chat.page.getByRole("textbox", { name: "Which day?" }).fill("Tuesday");
  await chat.button("Answer").click();
  await chat.see("All is arranged.");
  await chat.settled();
  expect(JSON.stringify(stack.openai.requests.at(-1)?.body)).toContain("Tuesday");
});

test("a call for the client is shown as such, survives a reload, and is answered in place", async () => {
  const chat = await open();
  await chat.send("Please locate me");
  await chat.see("waits for the client to execute it");
  expect(await seriousFindings(chat.page)).toEqual([]);
  await chat.page.reload();
  await chat.see("waits for the client to execute it");
  await chat.page.getByLabel("Output (JSON, or a text)").fill('{"city":"Porto"}');
  await chat.button("Send output").click();
  await chat.see("All is arranged.");
  await chat.settled();
  expect(JSON.stringify(stack.openai.requests.at(-1)?.body)).toContain("Porto");
  await chat.answer.getByText("locate").click();
  await chat.see('"city": "Porto"');
});

test("what a model writes as Markdown is read as such, and no line of it is wider than the page", async () => {
  const chat = await open();
  await chat.send("Please plan it");
  await chat.settled();
  const { answer, page } = chat;
  expect(await answer.locator("strong, h3, li, code, td").allInnerTexts()).toEqual(
    expect.arrayContaining(["Plan", "Lisbon", "early", "LIS", "21"]),
  );
  expect(await chat.text()).not.toMatch(/\*\*|##|\]\(|\|--/);
  const link = answer.getByRole("link", { name: "the map" });
  expect(await link.getAttribute("rel")).toBe("noreferrer");
  expect(await seriousFindings(page)).toEqual([]);
  for (const width of [1280, 320]) {
    await page.setViewportSize({ width, height: 700 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    expect(
      await page.evaluate(
        "(({scrollWidth, clientWidth}) => scrollWidth - clientWidth)(document.querySelector('.scroll'))",
      ),
    ).toBe(0);
  }
});

test("an answer that failed says so once, without what the provider said", async () => {
  const chat = await open();
  await chat.send("Please fail");
  await chat.settled();
  await chat.page.locator(".note.bad").first().waitFor();
  expect(await chat.page.locator(".note.bad").allInnerTexts()).toEqual(["An error occurred."]);
  expect(await chat.page.locator(".chat").innerText()).not.toContain("sk-wrong");
  await chat.send("Please ask me");
  await chat.see("Which day?");
});

test("a message instead of the turn ends that, and is answered", async () => {
  stack.pace.wordMs = SLOW_MS;
  const chat = await open();
  await chat.send("Tell me a story");
  await chat.see(/word3/);
  await chat.page.getByLabel("What becomes of this message").selectOption("instead of this turn");
  await chat.send("Please ask me");
  await chat.see("Which day?");
  stack.pace.wordMs = QUICK_MS;
  await chat.see("Interrupted");
  expect(await chat.messages.count()).toBe(4);
  const [, first] = await chat.messages.allInnerTexts();
  expect(first).toContain("word3");
  expect(first).not.toContain("word60");
});

test("a message that was not sent is sent again, once", async () => {
  const chat = await open();
  await chat.see("Talk to Assistant");
  await chat.page.route("**/chat/Assistant", (route) => route.abort());
  await chat.send("Tell me a story");
  await chat.see("The message was not sent.");
  await chat.page.unroute("**/chat/Assistant");
  await chat.button("Send again").click();
  await chat.see(/word60/);
  await chat.settled();
  expect(await chat.messages.count()).toBe(2);
  expect(await chat.text()).toBe(STORY);
});

test("an interrupted answer stays as far as it got, and the conversation goes on", async () => {
  stack.pace.wordMs = SLOW_MS;
  const chat = await open();
  await chat.send("Tell me a story");
  await chat.see(/word5/);
  await chat.button("Interrupt").click();
  await chat.answer.getByText("Interrupted").waitFor();
  await chat.settled();
  const text = await chat.text();
  expect(STORY.startsWith(text)).toBe(true);
  expect(text).not.toContain("word60");
  await chat.send("Please ask me");
  await chat.see("Which day?");
});

test("a cancelled run ends, with what a person was asked, and the conversation goes on", async () => {
  const chat = await open();
  await chat.send("Please book a trip");
  await chat.see(/May bookTrip run/);
  await chat.button("Cancel").click();
  await chat.settled();
  await chat.page.getByText(/May bookTrip run/).waitFor({ state: "detached" });
  await chat.send("Please ask me");
  await chat.see("Which day?");
});

test("a message for into the turn reaches the model with its next step", async () => {
  const chat = await open();
  await chat.send("Please book a trip");
  await chat.see(/May bookTrip run/);
  await chat.page.getByLabel("What becomes of this message").selectOption("into this turn");
  await chat.send("By train only");
  await chat.see("You, into this turn");
  await chat.button("Approve").click();
  // The provider answers the last message that it sees.
  await chat.see(/word60/);
  await chat.settled();
  await chat.see("You added: By train only");
  expect(JSON.stringify(stack.openai.requests.at(-1)?.body)).toContain("By train only");
  expect(await chat.messages.count()).toBe(2);
});

test("two tabs of a conversation show the same, and each may answer", async () => {
  const first = await open();
  await first.see("Talk to Assistant");
  const second = await openAgain(first);
  await second.see("Talk to Assistant");
  await first.send("Please book a trip, then tell a story");
  await second.see(/May bookTrip run/);
  await second.button("Approve").click();
  await first.see(/word9/);
  await second.see(/word9/);
  await Promise.all([first.settled(), second.settled()]);
  expect(await first.text()).toBe(STORY);
  await waitUntil("Both tabs show the same", async () => (await first.text()) === (await second.text()), {
    timeoutMs: 5_000,
  });
  expect(await second.messages.count()).toBe(2);
});

test("a message for after the turn waits, and is answered then", async () => {
  const chat = await open();
  stack.pace.wordMs = SLOW_MS;
  await chat.send("Tell me a story");
  await chat.see(/word3/);
  await chat.send("Please ask me");
  await chat.see("You, after this turn");
  stack.pace.wordMs = QUICK_MS;
  await chat.see("Which day?");
  expect(await chat.messages.count()).toBe(4);
});

test("a conversation is deleted after a question, with the keyboard alone", async () => {
  const chat = await open();
  await chat.send("Please ask me");
  await chat.page.getByRole("textbox", { name: "Which day?" }).fill("Tuesday");
  await chat.page.keyboard.press("Tab");
  await chat.page.keyboard.press("Enter");
  await chat.settled();
  await chat.button("Delete").focus();
  await chat.page.keyboard.press("Enter");
  await chat.see("Delete this conversation?");
  await chat.page.keyboard.press("Escape");
  await chat.page.getByRole("dialog").waitFor({ state: "hidden" });
  await chat.button("Delete").press("Enter");
  await chat.page.getByRole("dialog").getByRole("button", { name: "Delete" }).press("Enter");
  await chat.see("Talk to Assistant");
  const again = await openAgain(chat);
  await again.see("Talk to Assistant");
});

test("what is copied as curl works in a shell", async () => {
  const chat = await open({ permissions: ["clipboard-read", "clipboard-write"] });
  await chat.send("Please ask me: what's up?");
  await chat.see("Which day?");
  await chat.button("Copy as curl").click();
  await chat.see("Copied");
  const command = String(await chat.page.evaluate("navigator.clipboard.readText()"));
  expect(command).toMatch(/^curl -N 'http:/);
  const { stdout } = await promisify(execFile)("sh", [
    "-c",
    `${command.replace("/Assistant/", "/Assistant/curl-")} -s -m 5`,
  ]).catch((error: unknown) => error as { readonly stdout: string });
  expect(stdout).toContain('"toolName":"askUser"');
});

test.for(shareOf(["light", "dark"] as const, 2, "color scheme"))(
  "axe-core finds nothing serious in five states, %s",
  async (colorScheme) => {
    const chat = await open({ colorScheme });
    const check = async (state: string, { page }: Playground = chat): Promise<void> => {
      await screenshot(page, `${state}-${colorScheme}`);
      expect(await seriousFindings(page), state).toEqual([]);
    };
    await chat.see("Talk to Assistant");
    await check("1-empty");
    stack.pace.wordMs = SLOW_MS;
    await chat.send("What is the weather? Tell it as a story");
    await chat.see(/word3/);
    await check("2-streaming");
    stack.pace.wordMs = QUICK_MS;
    await chat.settled();
    await chat.answer.getByText("getWeather").click();
    await check("3-answered");
    await chat.send("Please book a trip");
    await chat.see(/May bookTrip run/);
    await check("4-approval");
    const phone = await stack.visit(chat.place, { colorScheme, viewport: { width: 390, height: 780 }, hasTouch: true });
    opened.push(phone);
    await phone.see(/May bookTrip run/);
    await check("5-phone", phone);
    expect(await phone.page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    await phone.page.setViewportSize({ width: 320, height: 568 });
    expect(await phone.page.evaluate("document.documentElement.scrollWidth")).toBe(320);
    await phone.button("Run").click();
    await phone.see("answer from outside");
    await check("6-phone-run", phone);
  },
);

test("a page that is older than the app's start goes on with the key of that", async () => {
  const chat = await open();
  await chat.see("Talk to Assistant");
  const key = "the-key-of-another-start";
  await stack.worker.restart({ ...stack.vars, PLAYGROUND_KEY: key, AGENT_API_KEYS: key });
  onTestFinished(() => stack.worker.restart(stack.vars));
  await chat.page.waitForResponse((response) => response.ok() && response.url().includes("/chat/Assistant/chat-"));
  await chat.see("Talk to Assistant");
  await chat.send("Tell me a story");
  await chat.settled();
  expect(await chat.text()).toBe(STORY);
});

test("without a key of its own the page asks for one, and keeps it in this tab alone", async () => {
  // As with `wrangler dev` alone, without the development stack.
  const { PLAYGROUND_KEY: _key, PLAYGROUND_CONTROL_URL: _url, ...others } = stack.vars;
  const key = "a-key-that-somebody-types";
  await stack.worker.restart({ ...others, AGENT_API_KEYS: key });
  onTestFinished(() => stack.worker.restart(stack.vars));
  const chat = await open();
  const field = chat.page.getByLabel("Key", { exact: true });
  await field.fill("another-key-somebody-types");
  await chat.button("Continue").click();
  await chat.see("The app does not know this key");
  expect(await seriousFindings(chat.page)).toEqual([]);
  await field.fill(key);
  await chat.button("Continue").click();
  await chat.see("Talk to Assistant");
  expect(await chat.button("Crash the Worker").count()).toBe(0);
  expect(await chat.page.evaluate("JSON.stringify(localStorage)")).not.toContain(key);
  await chat.page.reload();
  await chat.see("Talk to Assistant");
  // Keys rotate: one that was taken may be refused later.
  await stack.worker.restart({ ...others, AGENT_API_KEYS: "the-next-key-of-the-app" });
  await chat.see("The app does not know this key");
});
