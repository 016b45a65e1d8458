/** How long it takes at most to find a call again. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { callOrAccept, FIND_AGAIN_MS } from "../../../../routes/agents/call.ts";
import { GRACE_MS } from "../../../../src/client/connection.ts";
import { RestateUnreachableError } from "../../../../src/errors/restate-unreachable-error.ts";
import type { SendRequest } from "../../../../src/ingress/ingress-client.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A Restate that hangs: every request takes all the time it may. */
function hanging(tries: number[]) {
  const hang = async (timeoutMs: number): Promise<never> => {
    await new Promise((resolve) => setTimeout(resolve, timeoutMs));
    throw new RestateUnreachableError({ door: "ingress", message: "It hangs" });
  };
  return {
    call: async (_target: object, { timeoutMs }: { readonly timeoutMs: number }) => hang(timeoutMs),
    send: async (_target: object, { timeoutMs = 10_000 }: SendRequest) => {
      tries.push(timeoutMs);
      return hang(timeoutMs);
    },
  };
}

test("a call of one second ends at most eight seconds later when Restate hangs", async () => {
  const tries: number[] = [];
  const start = performance.now();
  const request = { timeoutMs: 1_000, idempotencyKey: "k" };
  const call = callOrAccept(hanging(tries), { service: "S", handler: "h" }, request, "k").catch(
    (error: unknown) => error,
  );
  await vi.runAllTimersAsync();
  expect(await call).toMatchObject({ code: "restate-unreachable" });
  expect(performance.now() - start).toBeLessThanOrEqual(9_000);
  expect(tries.slice(0, 2)).toEqual([3_000, 3_000]);
});

test("the client's grace covers it", () => {
  expect(FIND_AGAIN_MS).toBe(8_000);
  expect(GRACE_MS).toBeGreaterThan(FIND_AGAIN_MS + 5_000);
});
