import { expect, test } from "vitest";
import { traceHeadersOf } from "../../../../routes/agents/trace-headers.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const PARENT = `00-${TRACE}-${SPAN}-01`;
const read = (headers: Record<string, string>) => traceHeadersOf(new Headers(headers));

test("a trace context is passed on, and nothing else", () => {
  expect(read({ traceparent: PARENT, tracestate: "a=1,b=2", baggage: "user=7" })).toEqual({
    traceparent: PARENT,
    tracestate: "a=1,b=2",
  });
  expect(read({ traceparent: PARENT })).toEqual({ traceparent: PARENT });
});

test.each([
  "",
  "x",
  PARENT.toUpperCase(),
  `00-${"0".repeat(32)}-${SPAN}-01`,
  `00-${TRACE}-${"0".repeat(16)}-01`,
  `ff-${TRACE}-${SPAN}-01`,
  `${PARENT}-more`,
  `${PARENT}, ${PARENT}`,
])("a malformed one is left out, with its state: %j", (traceparent) => {
  expect(read({ traceparent, tracestate: "a=1" })).toEqual({});
});

test("a state that is too long or no ASCII is left out", () => {
  for (const tracestate of ["x".repeat(513), "ü=1"])
    expect(read({ traceparent: PARENT, tracestate })).toEqual({ traceparent: PARENT });
  expect(read({ tracestate: "a=1" })).toEqual({});
});
