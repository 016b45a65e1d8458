/** One command of the tool: how it is declared, run, and how its result or failure is told. */
import { confirm, isCancel } from "@clack/prompts";
import { resolve } from "node:path";
import type { Command } from "commander";
import { withSealing } from "../../src/encryption/sealing.ts";
import { EdgeAgentError } from "../../src/errors/edge-agent-error.ts";
import { RestateUnreachableError } from "../../src/errors/restate-unreachable-error.ts";
import { encryptionOf } from "./encryption.ts";
import { EXIT } from "./exit-codes.ts";
import { Redactor } from "./redact.ts";
import { JsonReporter, PeopleReporter, type Reporter } from "./reporter.ts";
import type { CommonFlags, Environment, Tool } from "./tool.ts";
import { ToolError, usageError } from "./tool-error.ts";

/** What a command is. `FLAGS` are its own; `RESULT` is what `--json` prints. */
export interface CommandDefinition<FLAGS, RESULT extends object> {
  readonly name: string;
  readonly about: string;
  /** Adds its arguments and flags. */
  readonly declare?: (command: Command) => Command;
  readonly run: (tool: Tool, flags: FLAGS, args: readonly string[]) => Promise<RESULT>;
  /** Tells people the result. */
  readonly show: (result: RESULT, reporter: Reporter) => void;
  /** Exit code of a result that is no failure of the tool, such as what `doctor` found. Default 0. */
  readonly exitCode?: (result: RESULT) => number;
}

/** Adds a command, with the flags that all have. */
export function addCommand<FLAGS, RESULT extends object>(
  program: Command,
  definition: CommandDefinition<FLAGS, RESULT>,
): void {
  const command = program
    .command(definition.name)
    .description(definition.about)
    .option("--cwd <folder>", "folder of the project", ".")
    .option("--env <name>", "environment of wrangler's configuration")
    .option("--admin-url <url>", "Restate's Admin API (RESTATE_ADMIN_URL)")
    .option("--ingress-url <url>", "Restate's ingress (RESTATE_INGRESS_URL)")
    .option("--dry-run", "change nothing, tell what would be done", false)
    .option("-y, --yes", "ask nothing", false)
    .option("--json", "print one JSON document", false);
  (definition.declare?.(command) ?? command).action(async () => {
    process.exitCode = await execute(definition, command);
  });
}

async function execute<FLAGS, RESULT extends object>(
  definition: CommandDefinition<FLAGS, RESULT>,
  command: Command,
): Promise<number> {
  const flags = command.opts<CommonFlags & FLAGS>();
  const environment: Environment = process.env;
  const redactor = new Redactor(environment);
  const json = new JsonReporter();
  const reporter = flags.json ? json : new PeopleReporter(process.stdout, redactor);
  const interrupt = new AbortController();
  const onSignal = (): void => {
    // The second time the user does not want to wait for what is put in order.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort(new ToolError({ code: "interrupted", message: "Interrupted", exitCode: EXIT.interrupted }));
  };
  // Not `once`: wrangler, whose configuration is read in this process, ends it when nobody else seems to listen.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
  const print = (document: object): void => {
    const warnings = json.warnings.length === 0 ? {} : { warnings: json.warnings };
    // Text by text: in JSON a secret's quotes and line ends are escaped, and a number may look like a secret.
    const clean = (_: string, value: unknown): unknown => (typeof value === "string" ? redactor.clean(value) : value);
    process.stdout.write(`${JSON.stringify({ ...document, ...warnings }, clean, 2)}\n`);
  };
  const tool: Tool = {
    flags: { ...flags, cwd: resolve(flags.cwd) },
    environment,
    reporter,
    redactor,
    signal: interrupt.signal,
    confirm: (question) => ask(question, flags),
  };
  try {
    const args = command.processedArgs.map(String);
    const result = await withSealing(encryptionOf(environment), () => definition.run(tool, flags, args));
    if (flags.json) print({ command: definition.name, ok: true, ...result });
    else definition.show(result, reporter);
    return definition.exitCode?.(result) ?? EXIT.ok;
  } catch (error) {
    const failure = explain(error);
    const { code, message, hint, details, exitCode } = failure;
    if (flags.json) print({ command: definition.name, ok: false, error: { code, message, hint, ...details } });
    else process.stderr.write(redactor.clean(`\n${message}${hint === undefined ? "" : `\n${hint}`}\n`));
    if (exitCode === EXIT.unexpected && environment["DEBUG"] !== undefined) console.error(error);
    return exitCode;
  }
}

async function ask(question: string, { yes, json }: CommonFlags): Promise<boolean> {
  if (yes) return true;
  if (json || !process.stdin.isTTY || !process.stdout.isTTY) {
    throw usageError("confirmation-needed", question, "Pass --yes to agree");
  }
  const answer = await confirm({ message: question });
  return !isCancel(answer) && answer;
}

/** Every failure has a code, a message and an exit code. */
function explain(error: unknown): ToolError {
  if (error instanceof ToolError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (EdgeAgentError.isInstance(error) || error instanceof RestateUnreachableError) {
    return new ToolError({ code: error.errorCode, message, exitCode: EXIT.remote, cause: error });
  }
  return new ToolError({ code: "unexpected", message, hint: "DEBUG=1 prints where it happened", cause: error });
}
