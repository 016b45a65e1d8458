/** Kills while journals are encrypted: what an attempt has not sent is encrypted anew, what Restate has is decrypted. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { learnReference, trial, TRIAL_TIMEOUT_MS } from "./trial.ts";
import { TripStack } from "./trip-stack.ts";

let stack: TripStack;
beforeAll(async () => {
  stack = await TripStack.start("workerd", { window: false, encrypted: true });
  await learnReference(stack);
}, 60_000);
afterAll(() => stack.stop());

test.each([7, 29])(
  "does nothing durable twice when the Worker dies at step boundary %i of both runs",
  async (n) => {
    await trial(stack, "endpoint", [
      { kind: "event", of: "generate", n },
      { kind: "event", of: "stream", n },
    ]);
  },
  TRIAL_TIMEOUT_MS,
);

test(
  "does nothing durable twice when restate-server dies",
  async () => {
    await trial(stack, "restate", [{ kind: "event", of: "stream", n: 18 }]);
  },
  TRIAL_TIMEOUT_MS,
);

test("and all of it was encrypted", async () => {
  const rows = await stack.restate.query<{ raw: string }>(
    "SELECT encode(raw, 'base64') AS raw FROM sys_journal WHERE entry_type IN ('Command: Input', 'Command: Output', 'Notification: Run')",
  );
  const bytes = rows.map(({ raw }) => Buffer.from(raw, "base64").toString("latin1"));
  expect(bytes.length).toBeGreaterThan(60);
  // What each run begins and ends with, and what its model says.
  for (const text of ["referencestream", "All done for", "providerMetadata"]) {
    expect(bytes.filter((entry) => entry.includes(text))).toEqual([]);
  }
  // Each of them has the mark of a value that the key of the tests encrypted.
  expect(bytes.filter((entry) => !entry.includes("\u00ffE\u0001\u0004test"))).toEqual([]);
});
