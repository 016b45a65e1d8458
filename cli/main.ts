#!/usr/bin/env node
/** The `restate-edge-agents` command. */
import { CommanderError } from "commander";
import { createProgram } from "./program.ts";
import { EXIT } from "./tool/exit-codes.ts";
import { usageDocument, wantsJson } from "./tool/usage-failure.ts";

const args = process.argv.slice(2);
const json = wantsJson(args);
const program = createProgram({ json });
try {
  await program.parseAsync(args, { from: "user" });
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (json && process.exitCode === EXIT.usage) {
    const commands = program.commands.map((command) => command.name());
    process.stdout.write(usageDocument(args, error.message, commands, process.env));
  }
}
// Requests that go on have no signal, and nobody waits for them after Ctrl-C.
if (process.exitCode === EXIT.interrupted) process.exit();
