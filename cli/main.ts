#!/usr/bin/env node
/** The `restate-edge-agents` command. */
import { CommanderError } from "commander";
import { createProgram } from "./program.ts";
import { EXIT } from "./tool/exit-codes.ts";

try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
