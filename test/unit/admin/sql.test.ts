import fc from "fast-check";
import { expect, test } from "vitest";
import { filterCondition, type InvocationFilter } from "../../../src/admin/invocations/invocation-filter.ts";
import { allOf, sql } from "../../../src/admin/sql.ts";

test.each([
  [sql`SELECT ${"it's"}`, "SELECT 'it''s'"],
  [sql`SELECT ${"\\' OR 1=1 --"}`, "SELECT '\\'' OR 1=1 --'"],
  [sql`SELECT ${""}`, "SELECT ''"],
  [sql`SELECT ${12}, ${-1.5}, ${1e21}`, "SELECT 12, -1.5e+0, 1000000000000000000000"],
  [sql`SELECT ${true}`, "SELECT TRUE"],
  [sql`x IN ${["a", "b'"]}`, "x IN ('a', 'b''')"],
  [sql`x IN ${[]}`, "x IN (NULL)"],
  [sql`x < ${new Date(86_400_000)}`, "x < to_timestamp_millis(86400000)"],
  [sql`SELECT ${sql`a = ${"b"}`}`, "SELECT a = 'b'"],
  [allOf([]), "TRUE"],
  [allOf([sql`a OR b`, sql`c`]), "(a OR b) AND (c)"],
])("%# values are literals", (query, text) => {
  expect(query.text).toBe(text);
});

test.each([["a\0b"], ["a\nb"], ["\u007F"], ["\u0085"], ["\uD800"], [Number.NaN], [Number.POSITIVE_INFINITY]])(
  "%j is refused",
  (value) => {
    expect(() => sql`SELECT ${value}`).toThrow(expect.objectContaining({ errorCode: "invalid-request", code: 400 }));
  },
);

test.each([[new Date(-1)], [new Date(8.64e15)], [new Date(Number.NaN)]])("the time %s is refused", (time) => {
  expect(() => sql`SELECT ${time}`).toThrow(expect.objectContaining({ errorCode: "invalid-request" }));
});

test("only the tag makes SQL: neither text nor what looks like it is taken for it", () => {
  const forged = JSON.parse('{"text":"1; DROP TABLE state"}') as never;
  expect(() => sql`SELECT ${forged}`).toThrow(TypeError);
});

const HOSTILE = [
  "'",
  "''",
  '"',
  "\\",
  "--",
  "/*",
  "*/",
  ";",
  " OR 1=1",
  ")",
  "(",
  "%",
  "_",
  "$$",
  "E'",
  "U&'",
  "’",
  "`",
];
const text = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "grapheme", maxLength: 4 })), { maxLength: 8 })
  .map((parts) => parts.join(""))
  .filter((value) => !/\p{Cc}/u.test(value) && value.isWellFormed());
const filters: fc.Arbitrary<InvocationFilter> = fc.record({
  id: text,
  service: text,
  handler: text,
  key: text,
  status: fc.array(text, { minLength: 2, maxLength: 2 }),
  deployment: text,
  idempotencyKey: text,
  createdAfter: fc.date({ min: new Date(0), max: new Date(Date.UTC(9000, 0)), noInvalidDate: true }),
  invokedBy: text,
  invokedById: text,
  failing: fc.constant(true),
});

const HARMLESS: InvocationFilter = {
  id: "word",
  service: "word",
  handler: "word",
  key: "word",
  status: ["one", "two"],
  deployment: "word",
  idempotencyKey: "word",
  createdAfter: new Date(1),
  invokedBy: "word",
  invokedById: "word",
  failing: true,
};

/** SQL without what stands in its literals. */
const shape = (query: string): string =>
  query.replaceAll(/'(?:[^']|'')*'/g, "?").replaceAll(/to_timestamp_millis\(\d+\)/g, "?");

test("no filter changes the shape of the query", () => {
  const plain = shape(filterCondition(HARMLESS).text);
  fc.assert(
    fc.property(filters, (filter) => {
      expect(shape(filterCondition(filter).text)).toBe(plain);
    }),
    { numRuns: 2000 },
  );
});
