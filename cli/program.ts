import { Command } from "commander";
import { dev } from "./commands/dev.ts";
import { init } from "./commands/init.ts";
import { deploy } from "./commands/deploy.ts";
import { doctor } from "./commands/doctor.ts";
import { invoke } from "./commands/invoke.ts";
import { journal } from "./commands/journal.ts";
import { logs } from "./commands/logs.ts";
import { move } from "./commands/move.ts";
import { prune } from "./commands/prune.ts";
import { rollback } from "./commands/rollback.ts";
import { status } from "./commands/status.ts";
import { addCommand } from "./tool/command.ts";
import { EXIT } from "./tool/exit-codes.ts";
import { toolVersion } from "./tool/version.ts";

/** The command line of the tool: `restate-edge-agents <command>`. `json`: it prints nothing about wrong arguments itself. */
export function createProgram({ json = false }: { readonly json?: boolean } = {}): Command {
  const program = new Command("restate-edge-agents")
    .description("Ships durable agents to Cloudflare Workers and Deno, and operates them in Restate")
    .version(toolVersion())
    .showHelpAfterError(!json)
    .configureOutput(json ? { writeErr: () => {} } : {})
    .exitOverride((error) => {
      throw Object.assign(error, { exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.usage });
    });
  addCommand(program, deploy);
  addCommand(program, init);
  addCommand(program, dev);
  addCommand(program, status);
  addCommand(program, doctor);
  addCommand(program, invoke);
  addCommand(program, journal);
  addCommand(program, logs);
  addCommand(program, move);
  addCommand(program, prune);
  addCommand(program, rollback);
  return program;
}
