import { expect, test } from "vitest";
import type { TimelineStep } from "../../../src/admin/timeline/timeline.ts";
import type { RunTimeline } from "../../../web/src/api.ts";
import { timesOf, wallMsOf } from "../../../web/src/run-times.ts";

const BEGIN = Date.parse("2026-11-28T10:00:00.000Z");
const at = (ms: number): string => new Date(BEGIN + ms).toISOString();
const step = (facts: Partial<TimelineStep>): TimelineStep => ({
  kind: "step",
  name: "step",
  status: "completed",
  attempts: 1,
  retries: 0,
  ...facts,
});

function run(status: "completed" | "suspended", wallMs: number): RunTimeline {
  const totals = {
    modelSteps: 0,
    toolSteps: 0,
    steps: 0,
    retries: 0,
    inputTokens: 0,
    outputTokens: 0,
    modelStepsCounted: 0,
  };
  const invocation = { id: "inv_1", target: "A/k/send", service: "A", handler: "send", status, createdAt: at(0) };
  return { invocation, steps: [], failures: [], totals: { ...totals, wallMs }, journal: "whole" };
}

const ASKED = step({ startedAt: at(100), completedAt: at(200) });
const OTHER = step({ startedAt: at(200), completedAt: at(250) });

test("what is waited for began when the step before it had ended, and goes on until now", () => {
  const waiting = step({ kind: "awakeable", status: "waiting" });
  const times = timesOf([ASKED, OTHER, waiting, waiting], run("suspended", 250), BEGIN + 5_000);
  expect(times.slice(2)).toEqual([
    { fromMs: 250, toMs: 5_000 },
    { fromMs: 250, toMs: 5_000 },
  ]);
  expect(wallMsOf(run("suspended", 250), BEGIN + 5_000)).toBe(5_000);
});

test("answers that came one after the other were waited for from the same moment", () => {
  const answer = (ms: number): TimelineStep => step({ kind: "awakeable", completedAt: at(ms) });
  const times = timesOf([ASKED, answer(900), answer(1_900), OTHER], run("completed", 2_000), BEGIN + 99_000);
  expect(times.slice(1, 3)).toEqual([
    { fromMs: 200, toMs: 900 },
    { fromMs: 200, toMs: 1_900 },
  ]);
  expect(wallMsOf(run("completed", 2_000), BEGIN + 99_000)).toBe(2_000);
});

test("a clock that is behind Restate's makes nothing shorter than what is known", () => {
  expect(wallMsOf(run("suspended", 250), BEGIN - 60_000)).toBe(250);
  const running = step({ status: "running", startedAt: at(220) });
  expect(timesOf([running], run("suspended", 250), BEGIN - 60_000)).toEqual([{ fromMs: 220, toMs: 250 }]);
});
