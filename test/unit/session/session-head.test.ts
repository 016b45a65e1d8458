/** What a session knows of its slots. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  headSerde,
  lastSlot,
  newHead,
  type SessionHead,
  slotsOf,
  slotsOfPrompt,
  turnCount,
  withTurn,
} from "../../../src/session/session-head.ts";
import { propertyRuns } from "../../thorough.ts";

/** The head after turns; true takes the place of the last one, a number of so many of the last ones, if there are any. */
function after(turns: readonly (boolean | number)[]): { readonly head: SessionHead; readonly model: number[] } {
  let head = newHead("e1");
  const model: number[] = [];
  for (const replaced of turns) {
    const slot = head.nextSlot;
    const replaces = Number(replaced) === 0 ? undefined : model.splice(-Number(replaced))[0];
    head = withTurn(head, slot, replaces);
    model.push(slot);
  }
  return { head, model };
}

describe("slots", () => {
  test("are those of the turns that are left, in order, however many were run again or replaced", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.boolean(), fc.nat(5)), { maxLength: 60 }), (turns) => {
        const { head, model } = after(turns);
        expect(slotsOf(head)).toEqual(model);
        expect(turnCount(head)).toBe(model.length);
        expect(lastSlot(head)).toBe(model.at(-1));
        expect(head.nextSlot).toBe(turns.length);
        const stored = headSerde.deserialize(headSerde.serialize(head));
        expect(stored).toEqual(head);
      }),
      { numRuns: propertyRuns(1_000, 200) },
    );
  });

  test("of a long conversation take no more room than those of a short one", () => {
    const size = (count: number): number =>
      headSerde.serialize(after(Array.from({ length: count }, () => false)).head).length;
    expect(size(2_000)).toBeLessThan(size(2) + 10);
  });

  test("that a summary has are not part of the prompt", () => {
    const { head } = after([false, false, true, false]);
    expect(slotsOfPrompt(head)).toEqual([0, 2, 3]);
    expect(slotsOfPrompt({ ...head, compaction: { upTo: 2 } })).toEqual([3]);
  });
});

test("a head of a newer version is refused with what to do", () => {
  const bytes = new TextEncoder().encode(JSON.stringify({ v: 2, epoch: "e" }));
  expect(() => headSerde.deserialize(bytes)).toThrow(/deploy that version again/);
});
