import { type Context, createEndpointHandler, service } from "@restatedev/restate-sdk/fetch";
import { expect, test } from "vitest";
import { RestateAgent } from "../../../src/index.ts";
import { requirePlace } from "../../../src/journal/ambient.ts";
import { withRestateContext } from "../../../src/journal/context.ts";
import { jsonCodec } from "../../../src/journal/codec.ts";
import { retryBoundsProblem, sdkRetryBounds } from "../../../src/journal/retry-bounds.ts";
import type { StepOptions } from "../../../src/journal/step-host.ts";
import { runStep } from "../../../src/journal/step.ts";
import { runFake, scriptedModel } from "../../../src/testing/in-memory.ts";
import { INVOCATION_CONTENT_TYPE, invocationBody } from "../../e2e/identity/invocation-body.ts";

test.each([
  { maxRetryAttempts: 3, tries: 3, ok: false },
  { maxRetryAttempts: Infinity, tries: 30, ok: true },
])("a step is tried $maxRetryAttempts times at most", async ({ maxRetryAttempts, ...expected }) => {
  let tries = 0;
  const action = async (): Promise<unknown> => {
    if ((tries += 1) < 30) throw new Error("closed");
    return "open";
  };
  const { outcome } = await runFake(
    (context) =>
      withRestateContext(context, async () => {
        const place = requirePlace("a test");
        return await runStep<unknown>(place, "door", action, jsonCodec, { maxRetryAttempts }).waitIn(place.fiber);
      }),
    { maxFailures: 100 },
  );
  expect({ tries, ok: outcome.ok }).toEqual(expected);
});

test.each([
  { maxRetryAttempts: -1 },
  { maxRetryAttempts: 2.5 },
  { maxRetryAttempts: Number.NaN },
  { maxRetryDuration: -1 },
  { initialRetryInterval: { seconds: -1 } },
  { maxRetryInterval: Number.NaN },
])("%j are no bounds", (runOptions) => {
  const [name = ""] = Object.keys(runOptions);
  expect(retryBoundsProblem(runOptions)).toContain(name);
  const define = (): unknown => new RestateAgent({ id: "a", model: scriptedModel([]) }, { runOptions });
  expect(define).toThrow(`Cannot define agent "a": runOptions.${name} must be`);
});

test.each<StepOptions>([
  { maxRetryAttempts: Infinity },
  { maxRetryAttempts: 2 },
  { maxRetryInterval: Infinity },
  { maxRetryDuration: { days: Infinity } },
  { initialRetryInterval: 333.3, retryIntervalFactor: 1.5 },
])("with %j the SDK fails the attempt, to be retried", async (bounds) => {
  expect(retryBoundsProblem(bounds)).toBeUndefined();
  const run = service({
    name: "Door",
    handlers: {
      open: (context: Context) =>
        context.run("door", () => Promise.reject(new Error("closed")), sdkRetryBounds(bounds)),
    },
  });
  const handle = createEndpointHandler({ services: [run] });
  const response = await handle(
    new Request("http://localhost/invoke/Door/open", {
      method: "POST",
      headers: { "content-type": INVOCATION_CONTENT_TYPE },
      body: Uint8Array.from(invocationBody("null")),
    }),
  );
  const bytes = Buffer.from(await response.arrayBuffer());
  const types: number[] = [];
  for (let at = 0; at < bytes.length; at += 8 + bytes.readUInt32BE(at + 4)) types.push(bytes.readUInt16BE(at));
  // The step, and why the attempt has failed; not how the step has ended.
  expect(types).toEqual([0x0411, 0x0002]);
});
