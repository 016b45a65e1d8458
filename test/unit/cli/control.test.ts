import { afterEach, expect, test, vi } from "vitest";
import { type Control, invocationOf, startControl } from "../../../cli/stack/control.ts";
import { withPlayground } from "../../../cli/stack/settings.ts";
import { playgroundControl } from "../../../routes/playground-control.ts";
import { waitUntil } from "../../../src/testing/wait.ts";

const ID = "inv_1gOGkAD97RIn7jOf3unqt5pPR4B2uiEsVU";
const line = (more: object): string =>
  JSON.stringify({ message: "request", route: "/restate/invoke/{service}/{handler}", invocationId: ID, ...more });

const started: Control[] = [];
afterEach(() => {
  for (const control of started.splice(0)) control.close();
});

async function start(crash: () => Promise<void> = () => Promise.resolve()): Promise<Control> {
  const control = await startControl(crash);
  started.push(control);
  return control;
}

const appOf = ({ url }: Control) =>
  playgroundControl({ ENVIRONMENT: "development", PLAYGROUND_CONTROL_URL: url }) ?? expect.unreachable();

test("the requests of a run are counted, over the death of the app, and no others", async () => {
  const control = await start();
  const app = appOf(control);
  expect(await app.requestsOf(ID)).toBeUndefined();
  control.readLine(line({}));
  control.readLine(`[worker] ${line({ service: "Assistant" })}`);
  control.readLine(line({ route: "/restate/discover" }));
  control.readLine(line({ route: "/agents/{service}/{handler}" }));
  control.readLine(`what a user said: ${ID}`);
  expect(await app.requestsOf(ID)).toBe(2);
  expect(await app.requestsOf("inv_1other")).toBeUndefined();
});

test("runs are forgotten, the oldest first", async () => {
  const control = await start();
  for (let index = 0; index <= 1_000; index++) control.readLine(line({ invocationId: `inv_${index}` }));
  expect(await appOf(control).requestsOf("inv_0")).toBeUndefined();
  expect(await appOf(control).requestsOf("inv_1")).toBe(1);
});

test("the app is crashed after it was answered", async () => {
  const crash = vi.fn(() => Promise.resolve());
  const control = await start(crash);
  expect(await appOf(control).crash()).toBe(true);
  expect(crash).not.toHaveBeenCalled();
  await waitUntil("It is crashed", () => crash.mock.calls.length === 1, { timeoutMs: 5_000 });
});

test("who does not know the path does nothing, and neither does a link", async () => {
  const crash = vi.fn(() => Promise.resolve());
  const control = await start(crash);
  const { origin } = new URL(control.url);
  const status = async (url: string, method: string): Promise<number> => (await fetch(url, { method })).status;
  expect(await status(`${origin}/crash`, "POST")).toBe(404);
  expect(await status(`${origin}/guess/crash`, "POST")).toBe(404);
  expect(await status(`${control.url}/crash`, "GET")).toBe(404);
  expect(new URL(control.url).hostname).toBe("127.0.0.1");
  expect(new URL(control.url).pathname.length).toBeGreaterThan(30);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(crash).not.toHaveBeenCalled();
});

test("outside of development there is no control", () => {
  const url = "http://127.0.0.1:1/secret";
  expect(playgroundControl({ ENVIRONMENT: "production", PLAYGROUND_CONTROL_URL: url })).toBeUndefined();
  expect(playgroundControl({ PLAYGROUND_CONTROL_URL: url })).toBeUndefined();
  expect(playgroundControl({ ENVIRONMENT: "development" })).toBeUndefined();
});

test("an id that is none is not counted", () => {
  expect(invocationOf(line({ invocationId: "inv_1/../crash" }))).toBeUndefined();
});

test("the page's key is one more, made for each start; the user's own are kept from it", () => {
  const { AGENT_API_KEYS, PLAYGROUND_KEY } = withPlayground({ AGENT_API_KEYS: "one-key, other-key" }, "http://x");
  expect(PLAYGROUND_KEY).toMatch(/^[\w-]{32}$/);
  expect(AGENT_API_KEYS).toBe(`one-key, other-key,${PLAYGROUND_KEY}`);
  expect(withPlayground({}, "http://x")["AGENT_API_KEYS"]).toMatch(/^[\w-]{32}$/);
  expect(withPlayground({}, "http://x")["PLAYGROUND_KEY"]).not.toBe(PLAYGROUND_KEY);
});
