/** What the tests of durable models need around a run on the fake. */
import { type Context, withRestateContext } from "../../../../src/index.ts";
import type { FakeJournal } from "../../../../src/testing/fake-journal.ts";
import type { FakeResult } from "../../../../src/testing/run-fake.ts";

globalThis.AI_SDK_LOG_WARNINGS = false;

export const AUDIO: Uint8Array<ArrayBuffer> = new Uint8Array([82, 73, 70, 70, 0, 0, 0, 0, 87, 65, 86, 69, 42]);

export const inContext =
  <T>(body: () => Promise<T>) =>
  (context: Context): Promise<T> =>
    withRestateContext(context, body);

export function fail(error: Error): never {
  throw error;
}

/** Everything that the journal holds, as text. */
export function storedText(journal: FakeJournal): string {
  return JSON.stringify(journal.events, (_, value: unknown) =>
    value instanceof Uint8Array ? new TextDecoder().decode(value) : value,
  );
}

/** Bytes of all results in the journal. */
export function storedBytes(journal: FakeJournal): number {
  return journal.completions.reduce((sum, { outcome }) => sum + (outcome.ok === true ? outcome.bytes.length : 0), 0);
}

export function errorOf({ outcome }: FakeResult<unknown>): unknown {
  return outcome.ok ? undefined : outcome.error;
}
