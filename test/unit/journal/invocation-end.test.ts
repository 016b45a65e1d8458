import { expect, test } from "vitest";
import { invocationEnd } from "../../../src/journal/invocation-end.ts";
import { CancelledError, type ObjectSharedContext, TerminalError } from "../../../src/restate.ts";

/** A context in which the other invocation ends so. */
function contextWhere(end: () => Promise<unknown>): ObjectSharedContext {
  return { attach: end } as unknown as ObjectSharedContext;
}

test.each([
  ["with an answer", async () => "done"],
  ["with a failure", () => Promise.reject(new TerminalError("refused", { errorCode: 400 }))],
  ["cancelled", () => Promise.reject(new TerminalError("Cancelled", { errorCode: 409 }))],
])("another invocation has ended %s", async (_, end) => {
  await expect(invocationEnd(contextWhere(end), "inv_1")).resolves.toBeUndefined();
});

test("who is cancelled while waiting does not take it for the other's end", async () => {
  const cancelled = contextWhere(() => Promise.reject(new CancelledError()));
  await expect(invocationEnd(cancelled, "inv_1")).rejects.toBeInstanceOf(CancelledError);
});

test("what passes is no end", async () => {
  const broken = contextWhere(() => Promise.reject(new Error("the connection broke")));
  await expect(invocationEnd(broken, "inv_1")).rejects.toThrow("the connection broke");
});
