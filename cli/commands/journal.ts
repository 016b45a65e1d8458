import type { Timeline, TimelineStep } from "../../src/admin/index.ts";
import { followTimeline, readTimelineOf } from "../invocations/journal.ts";
import { headOf, STEP_HEAD, stepRow, totalsText } from "../invocations/timeline-text.ts";
import { count } from "../deployments/words.ts";
import type { CommandDefinition } from "../tool/command.ts";
import type { Reporter } from "../tool/reporter.ts";
import { adminOf, type Tool } from "../tool/tool.ts";

interface JournalFlags {
  readonly follow: boolean;
  readonly payloads: boolean;
}

/** Between two looks. */
const EVERY_MS = 1_000;

export const journal: CommandDefinition<JournalFlags, Timeline> = {
  name: "journal",
  about: "what an invocation did: its steps, how long each took, what failed",
  declare: (command) =>
    command
      .argument("<invocation>", "its id, inv_…")
      .option("--follow", "wait until it has completed", false)
      .option("--payloads", "show what its steps gave: prompts, answers, arguments, results", false),
  run: runJournal,
  show: showJournal,
};

async function runJournal(tool: Tool, flags: JournalFlags, [id = ""]: readonly string[]): Promise<Timeline> {
  const admin = await adminOf(tool);
  const request = { id, payloads: flags.payloads };
  if (!flags.follow) return readTimelineOf(admin, request);
  return tool.reporter.step(`Following ${id}`, (step) =>
    followTimeline(admin, {
      ...request,
      signal: tool.signal,
      everyMs: EVERY_MS,
      onTimeline: ({ invocation, steps }) => step.update(nowText(invocation.status, steps)),
    }),
  );
}

function nowText(status: string, steps: readonly TimelineStep[]): string {
  const open = steps.find((step) => step.status !== "completed" && step.status !== "failed");
  return `${status}, ${count(steps.length, "step")}${open === undefined ? "" : `, at ${open.tool ?? open.name}`}`;
}

/** The table of steps, between what the invocation is and the sums. */
export function showJournal(timeline: Timeline, reporter: Reporter): void {
  const nowMs = Date.now();
  for (const line of headOf(timeline, nowMs)) reporter.info(line);
  if (timeline.steps.length > 0) {
    reporter.info("");
    reporter.table([STEP_HEAD, ...timeline.steps.map((step) => stepRow(step, nowMs))]);
  }
  showOutputs(timeline.steps, reporter);
  reporter.info(`\n${totalsText(timeline)}`);
}

/** With `--payloads` alone. */
function showOutputs(steps: readonly TimelineStep[], reporter: Reporter): void {
  for (const { index, kind, output } of steps) {
    if (output !== undefined) reporter.info(`\n#${index ?? "-"} ${kind}: ${JSON.stringify(output, undefined, 2)}`);
  }
}
