import { describe, expect, test } from "vitest";
import { spanIdOf, traceIdOf } from "../../../src/telemetry/span-id.ts";
import { type AttemptRequest, traceContextOf } from "../../../src/telemetry/trace-context.ts";

describe("ids", () => {
  test("are a contract: a span that one version exports has children that another does", () => {
    expect(spanIdOf("inv_1", "run trip")).toBe("11e199c0a96666cc");
    expect(spanIdOf("inv_1", "trip model 1")).toBe("8d35a141b5d536e8");
    expect(traceIdOf("inv_1")).toBe("0feced5e8ee6a47481a1c062ab279cd5");
  });

  test("differ for different names, in each half too", () => {
    const ids = new Set<string>();
    const halves = [new Set<string>(), new Set<string>()];
    for (let invocation = 0; invocation < 20; invocation++) {
      for (let step = 0; step < 1_000; step++) {
        const id = spanIdOf(`inv_1hwNuOuxV8DF6IxI7E6jaTAkfzH9GKr${invocation}`, `trip model ${step}`);
        ids.add(id);
        halves[0]?.add(id.slice(0, 8));
        halves[1]?.add(id.slice(8));
      }
    }
    expect(ids.size).toBe(20_000);
    // Of 20,000 numbers of 32 bits about 0.05 pairs are alike by chance.
    for (const half of halves) expect(half.size).toBeGreaterThan(19_995);
  });

  test("use all of their bits", () => {
    const ones = Array.from({ length: 64 }, () => 0);
    for (let n = 0; n < 2_000; n++) {
      const bits = BigInt(`0x${spanIdOf("inv_x", `${n}`)}`);
      for (let bit = 0; bit < 64; bit++) ones[bit] = (ones[bit] ?? 0) + Number((bits >> BigInt(bit)) & 1n);
    }
    for (const count of ones) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const request = (headers: Record<string, string>, attempt: Record<string, string> = {}): AttemptRequest => ({
  id: "inv_1",
  target: { service: "S", handler: "h" },
  headers: new Map(Object.entries(headers)),
  attemptHeaders: new Map(Object.entries(attempt)),
  extraArgs: [],
  attemptCompletedSignal: new AbortController().signal,
});

describe("the trace of an invocation", () => {
  test("is Restate's, whose attempt is known", () => {
    const caller = { traceparent: `00-${TRACE}-b7ad6b7169203331-01`, tracestate: "a=1" };
    const attempt = { traceparent: `00-${TRACE}-986be5adc7642745-01`, tracestate: "a=2" };
    expect(traceContextOf(request(caller, attempt))).toEqual({
      traceId: TRACE,
      traceState: "a=2",
      callerSpanId: "b7ad6b7169203331",
      attemptSpanId: "986be5adc7642745",
    });
    expect(traceContextOf(request({}, { ...attempt, tracestate: "" }))).toEqual({
      traceId: TRACE,
      traceState: undefined,
      callerSpanId: undefined,
      attemptSpanId: "986be5adc7642745",
    });
  });

  test("is the caller's where Restate does not trace", () => {
    const context = traceContextOf(request({ traceparent: `00-${TRACE}-b7ad6b7169203331-01` }));
    expect(context).toMatchObject({ traceId: TRACE, callerSpanId: "b7ad6b7169203331", attemptSpanId: undefined });
  });

  test("is one of its own where there is none, or one that makes no sense", () => {
    const own = { traceId: traceIdOf("inv_1"), callerSpanId: undefined, attemptSpanId: undefined };
    for (const traceparent of [
      undefined,
      "",
      "garbage",
      `00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`,
      `ff-${TRACE}-b7ad6b7169203331-01`,
      `00-${TRACE}-b7ad6b7169203331-01-more`,
      `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
      `00-${TRACE}-${"0".repeat(16)}-01`,
    ]) {
      expect(traceContextOf(request(traceparent === undefined ? {} : { traceparent }))).toMatchObject(own);
    }
  });

  test("is read of later versions as far as they begin alike", () => {
    const context = traceContextOf(request({ traceparent: `01-${TRACE}-b7ad6b7169203331-01-more` }));
    expect(context?.traceId).toBe(TRACE);
  });

  test("is not recorded when it was decided so", () => {
    expect(traceContextOf(request({ traceparent: `00-${TRACE}-b7ad6b7169203331-00` }))).toBeUndefined();
  });
});
