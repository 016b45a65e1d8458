import { durationMs, span } from "../deployments/words.ts";
import { readBody } from "../invocations/body.ts";
import { invokeAndWait, type InvokeResult, sendOnly } from "../invocations/invoke.ts";
import { parseTarget } from "../invocations/target.ts";
import type { CommandDefinition } from "../tool/command.ts";
import { EXIT } from "../tool/exit-codes.ts";
import type { Reporter } from "../tool/reporter.ts";
import { restateOfProject, type Tool } from "../tool/tool.ts";
import { usageError } from "../tool/tool-error.ts";

interface InvokeFlags {
  readonly body?: string;
  readonly bodyFile?: string;
  readonly send: boolean;
  readonly delay?: string;
  readonly idempotencyKey?: string;
  readonly timeout: string;
}

/** Restate's word that it has an invocation does not take longer. */
const SEND_TIMEOUT_MS = 30_000;

export const invoke: CommandDefinition<InvokeFlags, InvokeResult & { readonly target: string }> = {
  name: "invoke",
  about: "invokes a handler and prints its result",
  declare: (command) =>
    command
      .argument("<target>", "Service/handler, or Object/key/handler")
      .option("--body <json>", "input of the handler")
      .option("--body-file <path>", "file with the input; - is standard input")
      .option("--send", "print the invocation's id, wait for no result", false)
      .option("--delay <time>", "with --send: when it starts, such as 30m")
      .option("--idempotency-key <key>", "two invocations with the same key are one")
      .option("--timeout <time>", "longest wait for the result", "5m"),
  run: runInvoke,
  show: showInvoke,
  exitCode: ({ status }) => (status === "failed" ? EXIT.remote : EXIT.ok),
};

async function runInvoke(
  tool: Tool,
  flags: InvokeFlags,
  [name = ""]: readonly string[],
): Promise<InvokeResult & { readonly target: string }> {
  const target = parseTarget(name);
  const delayMs = flags.delay === undefined ? undefined : timeOf("--delay", flags.delay);
  const timeoutMs = timeOf("--timeout", flags.timeout);
  if (delayMs !== undefined && !flags.send) {
    throw usageError("invalid-flag", "Cannot wait for the result of a delayed invocation", "Add --send");
  }
  const body = await readBody(flags, process.stdin, tool.signal);
  const settings = await restateOfProject(tool);
  if (tool.flags.dryRun) return { target: name, status: "would-invoke" };
  const { idempotencyKey } = flags;
  const request = { target, body, idempotencyKey, signal: tool.signal };
  if (flags.send) {
    return { target: name, ...(await sendOnly(settings, { ...request, delayMs, timeoutMs: SEND_TIMEOUT_MS })) };
  }
  // Without a line of progress: standard output is the result alone.
  return { target: name, ...(await invokeAndWait(settings, { ...request, timeoutMs })) };
}

function timeOf(flag: string, text: string): number {
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  throw usageError("invalid-flag", `Cannot read ${flag} ${text}`, "Write it as 90s, 30m or 12h");
}

/** The result, or why there is none. */
export function showInvoke(
  { target, invocation = "", status, isNew, startsAt, output, failure }: InvokeResult & { readonly target: string },
  reporter: Reporter,
): void {
  switch (status) {
    case "would-invoke":
      reporter.info(`Would invoke ${target}`);
      return;
    case "accepted": {
      const start = startsAt === undefined ? "" : `, starts in ${span(Date.parse(startsAt) - Date.now())}`;
      reporter.info(`${invocation}${isNew === false ? " (accepted earlier)" : ""}${start}`);
      reporter.info(`→ \`journal ${invocation} --follow\` shows what it does`);
      return;
    }
    case "completed":
      reporter.info(output === undefined ? "It returned nothing" : textOf(output));
      return;
    case "failed":
      reporter.info(`Failed with ${failure?.code ?? ""}: ${failure?.message ?? ""}`);
      if (failure?.errorCode !== undefined) reporter.info(`Error code: ${failure.errorCode}`);
      reporter.info(`→ \`journal ${invocation}\` shows where`);
  }
}

function textOf(output: unknown): string {
  return typeof output === "string" ? output : JSON.stringify(output, undefined, 2);
}
