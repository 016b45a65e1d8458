import { describe, expect, test } from "vitest";
import { crashEverywhere, REFERENCE_COMMANDS, referenceCommands } from "../programs/agent-crash.ts";

describe.each(["generate", "stream"] as const)("%s()", (how) => {
  test.each(["bidirectional", "request-response"] as const)("survives a crash after every event, %s", async (mode) => {
    expect(await crashEverywhere(how, mode)).toEqual([]);
  });
});

test("the reference run has these commands in this order", async () => {
  expect(await referenceCommands()).toEqual(REFERENCE_COMMANDS);
});
