/** Whatever happens to a turn, to its attempts and to its store: what readers are left with is what the journal says. */
import { describe, expect, test } from "vitest";
import { memoryStreamStore } from "../../../src/stream/memory-stream-store.ts";
import { fakeNumbers } from "../../../src/testing/fake-plain.ts";
import { propertyRuns, seedOf } from "../../thorough.ts";
import { chunksOf, fold, withoutEmptyStep } from "./fold.ts";
import { troubledModel, troubledStore, troubledTools } from "./troubles.ts";
import { runTurn, STREAM } from "./turn.ts";

const RUNS = propertyRuns(1_000, 40);

/** One turn, as everything about it follows from `seed`. */
async function troubledTurn(seed: number, cancels: boolean): Promise<void> {
  const numbers = fakeNumbers(seed);
  const maybe = (share: number, value: number): number => (numbers() < share ? value : 0);
  const kept = memoryStreamStore();
  const store = troubledStore(kept, numbers, {
    lost: maybe(0.5, numbers() * 0.4),
    answerLost: maybe(0.5, numbers() * 0.4),
    repeated: maybe(0.3, numbers() * 0.3),
    slowMs: maybe(0.5, numbers() * 10),
  });
  const model = troubledModel(numbers, { turns: Math.floor(numbers() * 4), breaks: maybe(0.4, 0.3) });
  const tools = troubledTools(numbers);
  const crashAt = Array.from({ length: Math.floor(numbers() * 5) }, () => 1 + Math.floor(numbers() * 30));
  const readOnly = numbers() < 0.5;
  const { outcome } = await runTurn({
    model: () => model as never,
    tools,
    store,
    options: readOnly ? { toolOptions: { plain: { readOnly }, grows: { readOnly }, refined: { readOnly } } } : {},
    fake: {
      seed,
      mode: numbers() < 0.5 ? "bidirectional" : "request-response",
      crashAt: crashAt.toSorted((a, b) => a - b),
      ...(cancels ? { cancelAt: 1 + Math.floor(numbers() * 20) } : {}),
      maxFailures: 100,
    },
  });
  if (!outcome.ok) throw outcome.error;
  const { message } = outcome.value;
  const chunks = await chunksOf(kept, STREAM);
  expect(withoutEmptyStep(await fold(chunks))).toEqual(withoutEmptyStep(JSON.parse(JSON.stringify(message))));
  resetsOnlyItsOwnStep(chunks.map(({ type }) => type));
}

/** A reset takes back a step that has begun, never one that readers know to be over and have seen others after. */
function resetsOnlyItsOwnStep(types: readonly string[]): void {
  for (const [at, type] of types.entries()) {
    if (type === "reset-step") expect(types.slice(0, at)).toContain("start-step");
  }
}

describe("the stream of a troubled turn", () => {
  test("says in the end what the journal says", { timeout: 600_000 }, async () => {
    const first = seedOf("stream-writer");
    for (let run = 0; run < RUNS; run += 1) {
      await troubledTurn(first + run, false).catch((error: unknown) => {
        throw new Error(`Seed ${first + run}`, { cause: error });
      });
    }
  });

  test("also when it is cancelled", { timeout: 600_000 }, async () => {
    const first = seedOf("stream-writer cancelled");
    for (let run = 0; run < RUNS; run += 1) {
      await troubledTurn(first + run, true).catch((error: unknown) => {
        throw new Error(`Seed ${first + run}`, { cause: error });
      });
    }
  });
});
