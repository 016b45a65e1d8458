import { alsThenableFailures } from "../programs/als-thenable.ts";
import { crashEverywhere, REFERENCE_COMMANDS, referenceCommands } from "../programs/agent-crash.ts";

/** The part of Deno's global that this file uses; its own types are not installed. */
declare const Deno: { test(name: string, body: () => Promise<void>): void };

function check(name: string, program: () => Promise<readonly string[]>, expected: readonly string[] = []): void {
  Deno.test(name, async () => {
    const found = JSON.stringify(await program());
    if (found !== JSON.stringify(expected)) throw new Error(`Expected ${JSON.stringify(expected)}, found ${found}`);
  });
}

for (const how of ["generate", "stream"] as const) {
  for (const mode of ["bidirectional", "request-response"] as const) {
    check(`${how}() survives a crash after every event, ${mode}`, () => crashEverywhere(how, mode));
  }
}
check("the reference run has these commands in this order", referenceCommands, REFERENCE_COMMANDS);
check("an await inside a fiber is known to be that fiber's", alsThenableFailures);
