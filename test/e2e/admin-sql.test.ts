/** Hostile text in SQL, against the server that reads it. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { AdminHttp } from "../../src/admin/admin-http.ts";
import { Invocations } from "../../src/admin/invocations/invocations.ts";
import { sql, type Sql } from "../../src/admin/sql.ts";
import { ObjectStates } from "../../src/admin/state/state.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";

const HOSTILE = [
  "'",
  "''",
  "'''",
  '"',
  "\\",
  "\\'",
  "--",
  "/*",
  "*/",
  ";",
  " OR '1'='1",
  "' OR 1=1 --",
  "'; DROP TABLE state; --",
  ")",
  "(",
  "%",
  "_",
  "$$",
  "$1",
  "?",
  ":x",
  "@x",
  "{{",
  "E'",
  "U&'",
  "x'",
  "’",
  "ʼ",
  "`",
  "\u00A0",
  "\u2028",
  "\uFEFF",
  "\u202E",
  "NULL",
];
const text = fc
  .array(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary", maxLength: 6 })), { maxLength: 10 })
  .map((parts) => parts.join(""))
  .filter((value) => !/\p{Cc}/u.test(value) && value.isWellFormed());

/** Looking for a smaller counterexample takes a query each. */
const BOUNDS = { interruptAfterTimeLimit: 30_000, markInterruptAsFailure: true };

let restate: RestateTestServer;
let http: AdminHttp;

beforeAll(async () => {
  restate = await startRestate();
  http = new AdminHttp({ url: restate.adminUrl });
});
afterAll(() => restate.stop());

const valueOf = async (query: Sql): Promise<unknown> => {
  const rows = await http.query(query, z.object({ v: z.unknown() }));
  expect(rows).toHaveLength(1);
  return rows[0]?.v;
};

test("text comes out as it went in: 1,200 texts", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 20, maxLength: 20 }), async (values) => {
      const selected = values.map((value, n) => sql`SELECT ${n} AS n, ${value} AS v`);
      const query = selected.reduce((all, next) => sql`${all} UNION ALL ${next}`);
      const rows = await http.query(sql`${query} ORDER BY n`, z.object({ n: z.int(), v: z.string() }));
      expect(rows.map(({ v }) => v)).toEqual(values);
    }),
    { numRuns: 60, ...BOUNDS },
  );
});

test("a list is compared item by item", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(text, { maxLength: 8 }), text, async (values, other) => {
      expect(await valueOf(sql`SELECT count(*) AS v FROM (SELECT ${other} AS x) WHERE x IN ${values}`)).toBe(
        values.includes(other) ? 1 : 0,
      );
    }),
    { numRuns: 50, ...BOUNDS },
  );
});

test("numbers and times come out as they went in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
      fc.date({ min: new Date(0), max: new Date(Date.UTC(9999, 0)), noInvalidDate: true }),
      async (whole, real, time) => {
        expect(await valueOf(sql`SELECT ${whole} AS v`)).toBe(whole);
        expect(await valueOf(sql`SELECT ${real} AS v`)).toBeCloseTo(real, 5);
        expect(Date.parse(`${String(await valueOf(sql`SELECT ${time} AS v`))}Z`)).toBe(time.getTime());
      },
    ),
    { numRuns: 15, ...BOUNDS },
  );
});

test("filters and keys of hostile text find nothing, and are no error", async () => {
  const invocations = new Invocations(http);
  const states = new ObjectStates(http);
  await fc.assert(
    fc.asyncProperty(text, text, text, async (one, two, three) => {
      const filter = {
        service: one,
        handler: two,
        key: three,
        idempotencyKey: one,
        id: two,
        invokedById: three,
        deployment: one,
        status: [two, three],
        invokedBy: three,
      };
      expect(await invocations.list(filter, { total: true })).toEqual({ invocations: [], next: undefined, total: 0 });
      expect(await states.objects(one, { after: two })).toEqual({ objects: [], next: undefined });
      expect((await states.get(one, two)).values).toEqual({});
      expect(await states.value(one, two, three)).toBeUndefined();
    }),
    { numRuns: 15, ...BOUNDS },
  );
});
