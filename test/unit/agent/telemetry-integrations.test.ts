/** The AI SDK's telemetry integrations in durable runs: told what happens, and not what a replay repeats. */
import { isStepCount, registerTelemetry, type Telemetry, tool } from "ai";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { RestateAgent, withRestateContext } from "../../../src/index.ts";
import { type FakeOptions, type FakeResult, runFake, scriptedModel } from "../../../src/testing/in-memory.ts";

const call = (id: string) => ({ id, name: "look", input: { id } });

/** Notes what it is told, in a class with private state, as integrations of others have. */
class Notes implements Telemetry {
  readonly #told: string[] = [];

  get told(): readonly string[] {
    return this.#told;
  }

  onStart(): void {
    this.#note("start");
  }
  onStepStart(): void {
    this.#note("step start");
  }
  onLanguageModelCallStart(): void {
    this.#note("model start");
  }
  onLanguageModelCallEnd(): void {
    this.#note("model end");
  }
  onToolExecutionStart({ toolCall }: { toolCall: { toolCallId: string } }): void {
    this.#note(`tool start ${toolCall.toolCallId}`);
  }
  onToolExecutionEnd({ toolCall }: { toolCall: { toolCallId: string } }): void {
    this.#note(`tool end ${toolCall.toolCallId}`);
  }
  onStepEnd(): void {
    this.#note("step end");
  }
  onEnd(): void {
    this.#note("end");
  }

  #note(what: string): void {
    this.#told.push(what);
  }
}

const WHOLE = [
  "start",
  "step start",
  "model start",
  "model end",
  "tool start a",
  "tool end a",
  "step end",
  "step start",
  "model start",
  "model end",
  "step end",
  "end",
];

async function run(
  settings: object,
  options: FakeOptions = {},
  { window, failures = 0 }: { window?: false; failures?: number } = {},
): Promise<FakeResult<string>> {
  let left = failures;
  const agent = new RestateAgent(
    {
      id: "a",
      model: scriptedModel([{ toolCalls: [call("a")] }, { text: "done" }]),
      tools: {
        look: tool({
          inputSchema: z.object({ id: z.string() }),
          execute: async ({ id }) => {
            if (left-- > 0) throw new Error("not yet");
            return id;
          },
        }),
      },
      stopWhen: isStepCount(5),
      ...settings,
    },
    window === undefined ? {} : { window },
  );
  return runFake(
    (context) => withRestateContext(context, async () => (await agent.generate({ prompt: "go" })).text),
    options,
  );
}

/** `told` without the beginnings of further requests. */
const once = (told: readonly string[]): string[] => told.filter((what, index) => what !== "start" || index === 0);

afterEach(() => {
  globalThis.AI_SDK_TELEMETRY_INTEGRATIONS = [];
});

describe.each([
  ["bidirectional", undefined],
  ["request-response", undefined],
  ["request-response", false],
] as const)("%s, window %s", (mode, window) => {
  const how = window === undefined ? {} : { window };

  test("an integration of the agent's settings is told each event once, of the start in each request", async () => {
    const notes = new Notes();
    const { attempts } = await run({ telemetry: { integrations: notes } }, { mode }, how);
    expect(once(notes.told)).toEqual(WHOLE);
    expect(notes.told.filter((what) => what === "start")).toHaveLength(attempts);
  });

  test("so is one that is registered for all", async () => {
    const notes = new Notes();
    registerTelemetry(notes);
    await run({}, { mode }, how);
    expect(once(notes.told)).toEqual(WHOLE);
  });

  test("a replay tells the start alone, and the end of what it ends", async () => {
    const { journal } = await run({}, { mode }, how);
    const notes = new Notes();
    await run({ telemetry: { integrations: [notes] } }, { mode, journal }, how);
    expect(notes.told).toEqual(["start", "model end", "step end", "end"]);
  });

  test("a step that is tried again begins again", async () => {
    const notes = new Notes();
    await run({ telemetry: { integrations: [notes] } }, { mode }, { ...how, failures: 1 });
    const starts = notes.told.filter((what) => what === "tool start a");
    expect(starts).toHaveLength(2);
    expect(notes.told.filter((what) => what === "tool end a")).toHaveLength(1);
    expect(notes.told.filter((what) => what === "model start")).toHaveLength(2);
  });
});

test("telemetry that is switched off tells nothing", async () => {
  const notes = new Notes();
  await run({ telemetry: { isEnabled: false, integrations: [notes] } });
  expect(notes.told).toEqual([]);
});
