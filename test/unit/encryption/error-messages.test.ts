import { expect, test } from "vitest";
import type { StoredFailure } from "../../../src/encryption/failures.ts";
import { withSealedErrors } from "../../../src/encryption/error-messages.ts";

const ERROR = 0x0002;
const OUTPUT = 0x0401;

const varint = (value: number): number[] => (value < 128 ? [value] : [(value % 128) | 128, ...varint(value >> 7)]);
const number = (field: number, value: number): number[] => [...varint(field << 3), ...varint(value)];
const text = (field: number, value: string): number[] => {
  const bytes = [...new TextEncoder().encode(value)];
  return [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
};

/** A message of the protocol. */
function message(type: number, ...fields: readonly number[][]): Uint8Array<ArrayBuffer> {
  const body = fields.flat();
  const bytes = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, ...body]);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, type);
  view.setUint32(4, body.length);
  return bytes;
}

const joined = (...messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(Buffer.concat(messages));
const seal = async ({ message: reason, metadata }: StoredFailure): Promise<StoredFailure | undefined> =>
  reason.startsWith("public")
    ? undefined
    : { message: `sealed ${reason.length}`, ...(metadata === undefined ? {} : { metadata: { kept: "name" } }) };

test("the reason of a failed attempt is told sealed, and all else of it as it is", async () => {
  for (const length of [0, 6, 127, 128, 20_000]) {
    const reason = "secret".repeat(length).slice(0, length);
    const others = [number(4, 300), text(5, "step"), number(6, 3), number(8, 1_000_000)];
    const error = message(ERROR, number(1, 500), text(2, reason), text(3, `Error: ${reason}`), ...others);
    const output = message(OUTPUT, text(14, reason), text(12, "name"));
    const expected = message(
      ERROR,
      number(1, 500),
      text(2, `sealed ${length}`),
      text(3, `sealed ${length}`),
      ...others,
    );
    const told = await withSealedErrors(joined(output, error, output, error), seal);
    expect(told).toEqual(joined(output, expected, output, expected));
  }
});

test("what the protocol says, and what may be told, is as it was", async () => {
  const mismatch = message(ERROR, number(1, 570), text(2, "the journal does not fit"), text(3, ""));
  const known = message(ERROR, number(1, 500), text(2, "public"), text(3, "public"));
  const bytes = joined(mismatch, known, message(0x0003));
  expect(await withSealedErrors(bytes, seal)).toBe(bytes);
});

/** What is in a field that is a message itself. */
const inner = (field: number, ...fields: readonly number[][]): number[] => {
  const bytes = fields.flat();
  return [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
};

test.each([
  ["a step", 0x0005, number(1, 3)],
  ["an invocation", OUTPUT, text(12, "name")],
])("the failure of %s is told sealed, with its code, and so are its facts", async (_, type, other) => {
  const entry = (name: string, value: string): number[] => inner(3, text(1, name), text(2, value));
  const failed = (reason: string, ...facts: number[][]): Uint8Array<ArrayBuffer> =>
    message(type, other, inner(15, number(1, 422), text(2, reason), ...facts));
  for (const facts of [[], [entry("account", "DE02"), entry("__proto__", "x".repeat(300))]]) {
    const told = await withSealedErrors(joined(failed("secret", ...facts), message(0x0003)), seal);
    expect(told).toEqual(joined(failed("sealed 6", entry("kept", "name")), message(0x0003)));
  }
  const known = joined(failed("public", entry("account", "DE02")));
  expect(await withSealedErrors(known, seal)).toBe(known);
});
