import { describe, expect, it } from "vitest";
import { DefinitionError } from "../../../src/errors/definition-error.ts";
import { JournalTooLargeError } from "../../../src/errors/journal-too-large-error.ts";
import { restoreError } from "../../../src/errors/restore-error.ts";
import {
  DEFAULT_MAX_BYTES,
  DEFAULT_WARN_BYTES,
  ENTRY_OVERHEAD_BYTES,
  JournalSize,
  LAST_RESORT_BYTES,
  type JournalSizeWarning,
} from "../../../src/journal/journal-size.ts";
import { TerminalError } from "../../../src/restate.ts";

describe("JournalSize", () => {
  it("pins its bounds", () => {
    expect([DEFAULT_WARN_BYTES, DEFAULT_MAX_BYTES, ENTRY_OVERHEAD_BYTES]).toEqual([4_194_304, 16_777_216, 64]);
  });

  it("sums values and overheads", () => {
    const size = new JournalSize();
    expect(size.bytes).toBe(0);
    size.add(100);
    size.add(0);
    expect(size.bytes).toBe(100 + 2 * ENTRY_OVERHEAD_BYTES);
  });

  it("lets a step start up to the bound, and none above it", () => {
    const size = new JournalSize({ maxBytes: 1_000 });
    size.add(1_000 - ENTRY_OVERHEAD_BYTES);
    size.check("at the bound");
    size.add(0);
    expect(() => size.check("agent model 7")).toThrow(JournalTooLargeError);
    expect(() => size.check("agent model 7")).toThrow(
      'The invocation\'s journal is too large at "agent model 7": 1064 bytes, more than the limit of 1000. ' +
        "Continue long runs as a new invocation (continueAsNew), keep large data outside of the journal (blobs), " +
        "or return smaller tool results",
    );
  });

  it("has the default bounds", () => {
    const warnings: JournalSizeWarning[] = [];
    const size = new JournalSize({ onWarn: (warning) => warnings.push(warning) });
    size.add(DEFAULT_WARN_BYTES - ENTRY_OVERHEAD_BYTES);
    size.check("a");
    expect(warnings).toEqual([]);
    size.add(DEFAULT_MAX_BYTES - DEFAULT_WARN_BYTES - ENTRY_OVERHEAD_BYTES);
    size.check("b");
    expect(warnings).toHaveLength(1);
    size.add(0);
    expect(() => size.check("c")).toThrow(JournalTooLargeError);
  });

  it("warns once, when the warning size is passed", () => {
    const warnings: JournalSizeWarning[] = [];
    const size = new JournalSize({ warnBytes: 200, maxBytes: 1_000, onWarn: (warning) => warnings.push(warning) });
    size.add(200 - ENTRY_OVERHEAD_BYTES);
    size.check("a");
    size.add(0);
    size.check("b");
    size.add(0);
    size.check("c");
    expect(warnings).toEqual([{ step: "b", bytes: 264, warnBytes: 200, maxBytes: 1_000 }]);
  });

  it("does the same on every replay of the same entries", () => {
    const replay = (): unknown[] => {
      const seen: unknown[] = [];
      const size = new JournalSize({ warnBytes: 300, maxBytes: 900, onWarn: (warning) => seen.push(warning) });
      try {
        for (let n = 0; n < 20; n += 1) {
          size.check(`step ${n}`);
          size.add(n * 10);
        }
      } catch (error) {
        seen.push(error instanceof JournalTooLargeError && error.fields);
      }
      return seen;
    };
    expect(replay()).toEqual(replay());
    expect(replay()).toEqual([
      { step: "step 4", bytes: 316, warnBytes: 300, maxBytes: 900 },
      { step: "step 9", bytes: 936, maxBytes: 900 },
    ]);
  });

  it("refuses a result with which the journal could not be replayed", () => {
    expect(LAST_RESORT_BYTES).toBe(31_457_280);
    const size = new JournalSize({ maxBytes: 1_000 });
    size.add(1_000_000);
    const room = LAST_RESORT_BYTES - size.bytes - ENTRY_OVERHEAD_BYTES;
    size.checkResult("a", room);
    expect(() => size.checkResult("a", room + 1)).toThrow(JournalTooLargeError);
    expect(() => size.checkResult("a", room + 1)).toThrow("31457281 bytes, more than the limit of 31457280");
    new JournalSize({ maxBytes: 2 * LAST_RESORT_BYTES }).checkResult("a", LAST_RESORT_BYTES);
    expect(size.bytes).toBe(1_000_000 + ENTRY_OVERHEAD_BYTES);
  });

  it("takes Infinity for no bound, and refuses nonsense", () => {
    const size = new JournalSize({ warnBytes: Infinity, maxBytes: Infinity });
    size.add(2 ** 40);
    size.check("a");
    for (const value of [0, -1, Number.NaN]) {
      expect(() => new JournalSize({ maxBytes: value })).toThrow(DefinitionError);
      expect(() => new JournalSize({ warnBytes: value })).toThrow(`warnBytes must be a positive number of bytes`);
    }
  });
});

describe("JournalTooLargeError", () => {
  it("comes back from the journal with its class, status and fields", () => {
    const { message, code, metadata } = new JournalTooLargeError("agent model 7", 1_064, 1_000);
    const restored = restoreError(new TerminalError(message, { errorCode: code, metadata: metadata ?? {} }));
    expect(restored).toBeInstanceOf(JournalTooLargeError);
    expect(JournalTooLargeError.isInstance(restored)).toBe(true);
    expect(restored).toMatchObject({
      errorCode: "journal-too-large",
      code: 413,
      step: "agent model 7",
      bytes: 1_064,
      maxBytes: 1_000,
      message,
    });
  });
});
