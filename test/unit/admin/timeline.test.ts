/** Timelines of journals that a restate-server 1.7.12 wrote. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Invocation } from "../../../src/admin/invocations/invocation.ts";
import type { FailedAttempt } from "../../../src/admin/timeline/journal-events.ts";
import type { JournalEntry } from "../../../src/admin/timeline/journal.ts";
import { readEntryResult } from "../../../src/admin/timeline/notification.ts";
import { buildTimeline, type TimelineParts } from "../../../src/admin/timeline/timeline-steps.ts";
import { fromBase64 } from "../../../src/journal/base64.ts";

const ID = "inv_1hxbgI5eIXYm0ZiJrI0MVT2kV56GiAjGeT";
const OTHER = "inv_1kD9Liq7oFk01Tnlvz1gbqQPHVahTqVSSr";
const CREATED = Date.parse("2026-11-24T20:46:09.000Z");
const at = (ms: number): string => new Date(CREATED + ms).toISOString();

/** Entries as rows: when (milliseconds after creation), what, its JSON without payload, its name. */
type Row = readonly [ms: number, type: string, body: object, name?: string];
const entriesOf = (rows: readonly Row[]): JournalEntry[] =>
  rows.map(([ms, type, body, name], index) => {
    const [kind = "", word = ""] = type.split(": ");
    const entry = kind === "Command" ? { Command: { [word]: body } } : { Notification: body };
    return { index, type, name, appendedAt: at(ms), bytes: 20, entry };
  });
const completion = (word: string, id: number, result = "Success"): object => ({
  ty: { Completion: word },
  id: { CompletionId: id },
  result,
});
const run = (id: number, name: string, begin: number, end?: number, result?: string): Row[] => [
  [begin, "Command: Run", { completion_id: id, name }, name],
  ...(end === undefined ? [] : [[end, "Notification: Run", completion("Run", id, result)] satisfies Row]),
];
const INPUT: Row = [0, "Command: Input", {}];

const completed: Invocation = {
  id: ID,
  target: "Rec/all",
  service: "Rec",
  handler: "all",
  status: "completed",
  createdAt: at(0),
  modifiedAt: at(1000),
  completedAt: at(1000),
  result: "success",
};
const { completedAt: _, result: __, ...open } = completed;
const timeline = (rows: readonly Row[], parts: Partial<TimelineParts> = {}) =>
  buildTimeline({
    invocation: completed,
    entries: entriesOf(rows),
    failures: [],
    awaited: undefined,
    results: new Map(),
    payloads: false,
    ...parts,
  });
const failed = (commandIndex: number | undefined, message: string, ms: number, paused = false): FailedAttempt => ({
  message,
  errorCode: 500,
  code: "RT0007",
  at: at(ms),
  commandIndex,
  name: "x",
  paused,
});

test("every kind of command is named and timed", () => {
  const { steps } = timeline([
    INPUT,
    ...run(1, "plain step", 10, 25),
    [
      30,
      "Command: Call",
      {
        invocation_id: OTHER,
        invocation_target: { Service: { name: "Helper", handler: "echo", scope: null } },
        invocation_id_completion_id: 2,
        result_completion_id: 3,
      },
    ],
    [30, "Notification: CallInvocationId", completion("CallInvocationId", 2, "InvocationId")],
    [50, "Notification: Call", completion("Call", 3)],
    [
      51,
      "Command: OneWayCall",
      {
        invocation_id: OTHER,
        invocation_target: {
          VirtualObject: { name: "Box", key: "k1", handler: "put", handler_ty: "Exclusive", scope: null },
        },
        invoke_time: CREATED + 500,
        invocation_id_completion_id: 4,
      },
    ],
    [51, "Notification: CallInvocationId", completion("CallInvocationId", 4, "InvocationId")],
    [60, "Command: Sleep", { wake_up_time: CREATED + 90, completion_id: 5 }],
    [91, "Notification: Sleep", completion("Sleep", 5, "Void")],
    [92, "Command: CompleteAwakeable", { id: "sign_1abc", result: "Success" }],
    [93, "Notification: Signal", { ty: "Signal", id: { SignalIndex: 17 }, result: "Success" }],
    [94, "Notification: Signal", { ty: "Signal", id: { SignalName: "go" }, result: "Failure" }],
    [95, "Command: SetState", { key: "a" }],
    [95, "Command: GetEagerState", { key: "b", result: "Void" }],
    [95, "Command: GetLazyState", { key: "c", completion_id: 6 }],
    [96, "Notification: GetLazyState", completion("GetLazyState", 6, "Void")],
    [97, "Command: ClearAllState", {}],
    [98, "Command: GetPromise", { key: "approved", completion_id: 7 }],
    [99, "Notification: GetPromise", completion("GetPromise", 7)],
    [100, "Command: SendSignal", { target_invocation_id: OTHER, signal_id: { Name: "stop" }, result: "Success" }],
    [100, "Command: SendSignal", { target_invocation_id: OTHER, signal_id: { Index: 1 }, result: "Void" }],
    [101, "Command: AttachInvocation", { target: { InvocationId: OTHER }, completion_id: 8 }],
    [102, "Notification: AttachInvocation", completion("AttachInvocation", 8)],
    [103, "Command: Teleport", {}],
    [104, "Command: Output", { result: "Success" }],
  ]);
  expect(steps).toMatchObject([
    { kind: "input", index: 0, status: "completed" },
    { kind: "step", name: "plain step", index: 1, startedAt: at(10), completedAt: at(25), durationMs: 15 },
    { kind: "call", name: "Helper/echo", invocationId: OTHER, durationMs: 20, status: "completed" },
    { kind: "send", name: "Box/k1/put", invocationId: OTHER, dueAt: at(500), status: "completed" },
    { kind: "sleep", dueAt: at(90), durationMs: 31 },
    { kind: "complete-awakeable", name: "sign_1abc" },
    {
      kind: "awakeable",
      name: "sign_1aotcq2xCPswrBTRuhI1Wjaaui73frXwgAAAAEQ",
      completedAt: at(93),
      status: "completed",
    },
    { kind: "signal", name: "go", status: "failed" },
    { kind: "state", name: "a", status: "completed" },
    { kind: "state", name: "b", status: "completed" },
    { kind: "state", name: "c", durationMs: 1 },
    { kind: "state", name: "ClearAllState" },
    { kind: "promise", name: "approved", durationMs: 1 },
    { kind: "send-signal", name: "stop", invocationId: OTHER },
    { kind: "send-signal", name: "cancel", invocationId: OTHER },
    { kind: "attach", invocationId: OTHER, durationMs: 1 },
    { kind: "other", name: "Teleport", status: "completed" },
    { kind: "output", status: "completed" },
  ]);
});

test("calls of every kind of model are named", () => {
  const kinds = ["embed", "image", "speech", "transcribe", "rerank"];
  const { steps } = timeline(
    kinds.flatMap((kind, index) => run(index + 1, `some-model-1 ${kind} 2`, index, index + 1)),
  );
  expect(steps).toMatchObject(
    kinds.map((kind) => ({ kind, name: `some-model-1 ${kind} 2`, agent: "some-model-1", durationMs: 1 })),
  );
});

describe("agents", () => {
  const stored = (text: string) => new TextEncoder().encode(text);
  const model = stored(
    '{"v":2,"content":[{"text":"secret"}],"finish":"stop","usage":{"in":812,"out":24,"cacheRead":800,"raw":"openai-responses"},"provider":"openai","responseId":"resp_1","at":1760000001000,"model":"gpt-test","ms":42}',
  );
  const rows = [
    INPUT,
    ...run(1, "lab model 1", 10, 60),
    [70, "Command: Run", { completion_id: 2 }, "lab tool plain call_a"] satisfies Row,
    [70, "Command: Run", { completion_id: 3 }, "lab tool plain call_b"] satisfies Row,
    [75, "Notification: Run", completion("Run", 3)] satisfies Row,
    [90, "Notification: Run", completion("Run", 2, "Failure")] satisfies Row,
    ...run(4, "lab model 2", 95, 99),
    [100, "Command: Output", { result: "Success" }] satisfies Row,
  ];
  const results = new Map([
    [2, { value: model }],
    [5, { value: stored('"plain b"') }],
    [6, { failure: { code: 404, message: "no a here" } }],
    [8, { value: stored("of another library") }],
  ]);

  test("parallel tools overlap, each with its own end, and tokens are added up", () => {
    const { steps, totals } = timeline(rows, { results });
    expect(steps.slice(1, 5)).toMatchObject([
      {
        kind: "model",
        agent: "lab",
        durationMs: 50,
        model: {
          model: "gpt-test",
          finishReason: "stop",
          providerMs: 42,
          tokens: { input: 812, cachedInput: 800, output: 24, reasoning: 0 },
        },
      },
      {
        kind: "tool",
        tool: "plain",
        toolCallId: "call_a",
        status: "failed",
        durationMs: 20,
        lastFailure: { message: "no a here", errorCode: 404, at: at(90) },
      },
      { kind: "tool", toolCallId: "call_b", status: "completed", durationMs: 5 },
      { kind: "model", name: "lab model 2", model: undefined },
    ]);
    expect(totals).toEqual({
      modelSteps: 2,
      toolSteps: 2,
      steps: 4,
      retries: 0,
      inputTokens: 812,
      outputTokens: 24,
      modelStepsCounted: 1,
      wallMs: 1000,
    });
    expect(JSON.stringify(steps)).not.toMatch(/secret|plain b/);
  });

  test("what steps gave is shown on request", () => {
    const { steps } = timeline(rows, { results, payloads: true });
    expect(steps[1]?.output).toMatchObject({ v: 2, content: [{ text: "secret" }] });
    expect(steps[3]?.output).toBe("plain b");
    expect(steps[4]?.output).toEqual({ base64: "b2YgYW5vdGhlciBsaWJyYXJ5" });
  });
});

describe("failures", () => {
  const rows = [INPUT, ...run(1, "fine", 10, 20), ...run(2, "breaks", 30)];
  const lastFailure = { message: "[500] broken\n  at x", step: { commandIndex: 2, name: "breaks", type: "Run" } };

  test.each([
    ["backing-off", 2, "retrying", 2, 1],
    ["running", 3, "retrying", 3, 1],
  ])("in a step: %s after %s attempts", (status, retryCount, expected, attempts, retries) => {
    const invocation = { ...open, status, retryCount, lastFailure };
    const { steps, totals } = timeline(rows, { invocation, failures: [failed(2, "broken", 40)] });
    expect(steps[1]).toMatchObject({ status: "completed", attempts: 1, retries: 0 });
    expect(steps[2]).toMatchObject({ name: "breaks", status: expected, attempts, retries });
    expect(steps[2]?.lastFailure).toEqual({ message: "broken", errorCode: 500, code: "RT0007", at: at(40) });
    expect(totals.retries).toBe(retries);
  });

  test("that Restate has not noted yet are told by the invocation, without the stack", () => {
    const { steps } = timeline(rows, { invocation: { ...open, status: "backing-off", retryCount: 1, lastFailure } });
    expect(steps[2]).toMatchObject({ status: "retrying", attempts: 1, lastFailure: { message: "[500] broken" } });
  });

  test("that paused the invocation were not tried again", () => {
    const failures = [failed(2, "broken", 40), failed(2, "broken", 50, true)];
    const { steps } = timeline(rows, { invocation: { ...open, status: "paused" }, failures });
    expect(steps[2]).toMatchObject({ status: "paused", attempts: 2, retries: 1, lastFailure: { at: at(50) } });
  });

  test("that were overcome stay with their step", () => {
    const done = [INPUT, ...run(1, "fine", 10, 20), ...run(2, "breaks", 30, 90)];
    const { steps } = timeline(done, { failures: [failed(2, "one", 40), failed(2, "two", 50)] });
    expect(steps[2]).toMatchObject({ status: "completed", attempts: 3, retries: 2, lastFailure: { message: "two" } });
  });

  test("of a step that the journal does not have yet are shown as that step", () => {
    const failures = [failed(3, "broken", 40)];
    const invocation = { ...open, status: "backing-off", retryCount: 4 };
    const { steps } = timeline([INPUT, ...run(1, "fine", 10, 20), ...run(2, "breaks", 30, 40)], {
      invocation,
      failures: failures.map((failure) => ({ ...failure, name: "lab tool plain call_a" })),
    });
    expect(steps[3]).toMatchObject({ kind: "tool", tool: "plain", status: "retrying", attempts: 4, retries: 3 });
    expect(steps[3]).not.toHaveProperty("index");
  });

  test("outside of steps belong to none", () => {
    const { steps, failures } = timeline(rows, {
      invocation: { ...open, status: "paused" },
      failures: [failed(undefined, "in the handler", 40, true)],
    });
    expect(steps.map(({ retries }) => retries)).toEqual([0, 0, 0]);
    expect(failures).toHaveLength(1);
  });
});

test.each([
  [{ ...open, status: "running" }, "running"],
  [{ ...open, status: "suspended" }, "waiting"],
  [{ ...open, status: "backing-off" }, "waiting"],
  [{ ...open, status: "paused" }, "paused"],
  [{ ...completed, result: "failure", failure: "[409] killed" }, "abandoned"],
])("a step without a result, of %j", (invocation, status) => {
  const { steps } = timeline([INPUT, ...run(1, "hangs", 10)], { invocation });
  expect(steps[1]).toMatchObject({ status, completedAt: undefined, durationMs: undefined });
});

test("what a suspended invocation waits for is shown, but for its cancellation", () => {
  const awaited =
    '{"Unknown":[{"Single":{"SignalIndex":1}},{"Single":{"SignalIndex":17}},{"Single":{"SignalName":"go"}},{"Single":{"CompletionId":3}}]}';
  const { steps } = timeline([INPUT], { invocation: { ...open, status: "suspended" }, awaited });
  expect(steps.slice(1)).toMatchObject([
    { kind: "awakeable", name: "sign_1aotcq2xCPswrBTRuhI1Wjaaui73frXwgAAAAEQ", status: "waiting" },
    { kind: "signal", name: "go", status: "waiting" },
  ]);
});

test("without a journal there are no steps, and the time is that of the invocation", () => {
  expect(timeline([])).toMatchObject({ steps: [], totals: { steps: 0, wallMs: 1000 } });
  expect(timeline([], { invocation: { ...open, modifiedAt: undefined, status: "ready" } }).totals.wallMs).toBe(0);
});

describe("stored entries", () => {
  test.each([
    ["CAcyCwiUAxIGbm8gd2F5", { failure: { code: 404, message: "no way" } }],
    ["egwIwwMSB3RoZSBlbmQ", { failure: { code: 451, message: "the end" } }],
    ["CAEqCQoHInBsYWluIg==", { value: new TextEncoder().encode('"plain"') }],
    ["CAkiAA==", {}],
    ["", {}],
    ["CgFhGgUKAyJ2Ig", {}],
    ["//////////8=", {}],
    ["KgU=", {}],
  ])("%s", (base64, result) => {
    expect(readEntryResult(fromBase64(base64))).toEqual(result);
  });

  test("any bytes are read or ignored", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => void readEntryResult(bytes)));
  });
});
