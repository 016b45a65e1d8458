import { describe, expect, test } from "vitest";
import { alsThenableFailures } from "../programs/als-thenable.ts";
import { crashEverywhere, REFERENCE_COMMANDS, referenceCommands } from "../programs/agent-crash.ts";

describe.each(["generate", "stream"] as const)("%s()", (how) => {
  test.each(["bidirectional", "request-response"] as const)("survives a crash after every event, %s", async (mode) => {
    expect(await crashEverywhere(how, mode)).toEqual([]);
  });
});

test("the reference run has these commands in this order", async () => {
  expect(await referenceCommands()).toEqual(REFERENCE_COMMANDS);
});

test("an await inside a fiber is known to be that fiber's", async () => {
  expect(await alsThenableFailures()).toEqual([]);
});
