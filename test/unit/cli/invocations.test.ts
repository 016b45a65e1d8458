import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { readBody } from "../../../cli/invocations/body.ts";
import { parseTarget } from "../../../cli/invocations/target.ts";
import { headOf, stepRow, totalsText } from "../../../cli/invocations/timeline-text.ts";
import type { Timeline, TimelineStep } from "../../../src/admin/index.ts";

describe("a target", () => {
  test("is a handler of a service, or of an object", () => {
    expect(parseTarget("Clerk/run")).toEqual({ service: "Clerk", handler: "run" });
    expect(parseTarget("Notebook/a/b/write")).toEqual({ service: "Notebook", key: "a/b", handler: "write" });
  });

  test.each(["", "Clerk", "Clerk/", "/run", "Notebook//write"])("is not %j", (text) => {
    expect(() => parseTarget(text)).toThrow("it names no handler");
  });
});

describe("the input", () => {
  const { signal } = new AbortController();
  const stdin = (text: string): Readable => Readable.from([Buffer.from(text)]);

  test("is JSON of a flag, of standard input, or nothing", async () => {
    expect(await readBody({ body: "1" }, stdin("2"), signal)).toBe("1");
    expect(await readBody({ bodyFile: "-" }, stdin("2"), signal)).toBe("2");
    expect(await readBody({}, stdin("2"), signal)).toBeUndefined();
  });

  test("is checked before anything is invoked", async () => {
    await expect(readBody({ body: "hello" }, stdin(""), signal)).rejects.toMatchObject({ code: "invalid-body" });
    await expect(readBody({ bodyFile: "-" }, stdin(""), signal)).rejects.toThrow("standard input");
    await expect(readBody({ bodyFile: "/nowhere" }, stdin(""), signal)).rejects.toThrow("ENOENT");
    await expect(readBody({ body: "1", bodyFile: "-" }, stdin("2"), signal)).rejects.toMatchObject({ exitCode: 2 });
  });

  test("is not waited for after Ctrl-C", async () => {
    const interrupt = new AbortController();
    const body = readBody({ bodyFile: "-" }, new Readable({ read() {} }), interrupt.signal);
    interrupt.abort(new Error("Interrupted"));
    await expect(body).rejects.toThrow("Interrupted");
  });
});

describe("a timeline for people", () => {
  const step: TimelineStep = { kind: "step", name: "charge", status: "completed", attempts: 1, retries: 0, index: 1 };
  const now = Date.parse("2026-01-01T01:00:00Z");

  test("has a row for each step", () => {
    expect(stepRow({ ...step, durationMs: 1_500 }, now)).toEqual(["1", "step", "charge", "completed", "1.5 s", "", ""]);
    const retried = { status: "retrying", retries: 2, startedAt: "2026-01-01T00:59:00Z" } as const;
    const lastFailure = { message: "No route\n    at fetch", errorCode: 500, code: "RT0007" };
    expect(stepRow({ ...step, ...retried, lastFailure }, now).slice(3)).toEqual([
      "retrying",
      "1m so far",
      "2",
      "500 RT0007: No route",
    ]);
  });

  test("names an agent's steps in the agent's words", () => {
    expect(stepRow({ ...step, kind: "tool", agent: "clerk", tool: "book" }, now)[2]).toBe("clerk: book");
    const model = { tokens: { input: 120, output: 8 } };
    expect(stepRow({ ...step, kind: "model", agent: "clerk", model }, now).at(-1)).toBe("120 → 8 tokens");
  });

  test("shows no control characters of a handler's message", () => {
    const lastFailure = { message: "\u001B[2J\u001B]0;title\u0007gone\r" };
    expect(stepRow({ ...step, lastFailure }, now).at(-1)).toBe("gone ");
  });

  test("says when a sleep ends", () => {
    expect(stepRow({ ...step, kind: "sleep", status: "waiting", dueAt: "2026-01-01T03:00:00Z" }, now).at(-1)).toBe(
      "due in 2h",
    );
  });

  test("is headed by how the invocation stands, and ends with sums", () => {
    const timeline: Timeline = {
      invocation: {
        id: "inv_1",
        target: "Clerk/run",
        service: "Clerk",
        handler: "run",
        status: "completed",
        result: "failure",
        failure: "it is closed\nsecond line",
        createdAt: "2026-01-01T00:00:00Z",
        completedAt: "2026-01-01T00:00:02Z",
        deploymentId: "dp_1",
      },
      steps: [step],
      failures: [],
      totals: {
        modelSteps: 1,
        toolSteps: 0,
        steps: 1,
        retries: 1,
        inputTokens: 3,
        outputTokens: 4,
        modelStepsCounted: 1,
        wallMs: 2_000,
      },
      journal: "cut",
    };
    expect(headOf(timeline, now)).toEqual([
      "Clerk/run  inv_1",
      "completed: failure, created 1h ago, took 2.0 s, on dp_1",
      "Failed: it is closed",
    ]);
    expect(totalsText(timeline)).toBe(
      "1 step (1 of models, 0 of tools), 1 retry, 3 → 4 tokens, 2.0 s in all; the journal is longer than what is shown",
    );
  });
});
