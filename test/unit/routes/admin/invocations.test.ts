/** What the routes refuse before Restate hears of it, and what they send. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { invocationRoutes } from "../../../../routes/admin/invocations.ts";
import { stateRoutes } from "../../../../routes/admin/state.ts";
import { problemOf } from "../../../../routes/problem.ts";
import { createRouter } from "../../../../routes/router.ts";

const ID = "inv_1hxbgI5eIXYm0ZiJrI0MVT2kV56GiAjGeT";
const queries = vi.fn<(query: string) => object[]>();
const app = createRouter()
  .route("/invocations", invocationRoutes())
  .route("/state", stateRoutes())
  .onError((error) => problemOf(error));

const ask = async (
  method: string,
  path: string,
  body?: unknown,
  headers = {},
): Promise<{ status: number; body: unknown }> => {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = { "content-type": "application/json", ...headers };
  const response = await app.request(path, { method, headers: type, ...content });
  return { status: response.status, body: await response.json() };
};

beforeEach(() => {
  vi.stubEnv("RESTATE_ADMIN_URL", "http://restate.test:9070");
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    const { query } = JSON.parse(init.body as string) as { query: string };
    return Promise.resolve(Response.json({ rows: queries(query) }));
  });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  queries.mockReset();
});

const long = "x".repeat(5000);
test.each([
  ["limit=0"],
  ["limit=501"],
  ["limit=1e2"],
  ["limit=%2050"],
  ["limit=1&limit=2"],
  ["order=id"],
  ["order=newest%3B"],
  ["status=killed"],
  ["status="],
  ["status=completed'"],
  [`status=${Array.from({ length: 21 }, () => "paused").join(",")}`],
  ["service="],
  ["service=a%00"],
  ["service=a%0Ab"],
  [`service=${long}`],
  [`key=${long}`],
  [`idempotencyKey=${long}`],
  ["id=x"],
  ["id=inv_1'"],
  [`id=${ID}x`],
  ["id=inv_1zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"],
  ["deployment=latest"],
  ["deployment=dp_'"],
  ["createdAfter=yesterday"],
  ["createdAfter=2026-11-24"],
  ["createdAfter=0001-01-01T00:00:00Z"],
  ["invokedBy=me"],
  ["invokedById=inv_1"],
  ["failing=1"],
  ["total=yes"],
  ["cursor="],
  ["cursor=abc"],
  [`cursor=${long}`],
  ["sort=id"],
  ["Service=Desk"],
])("a list with ?%s is refused", async (query) => {
  expect(await ask("GET", `/invocations?${query}`)).toMatchObject({ status: 400, body: { code: "invalid-request" } });
  expect(queries).not.toHaveBeenCalled();
});

test("a filter is sent as conditions, a page as its limit and one more", async () => {
  queries.mockReturnValue([]);
  const query =
    "service=O'Hara&status=paused,running&createdAfter=2026-11-24T22:41:18.731%2B02:00&limit=7&order=oldest";
  expect(await ask("GET", `/invocations?${query}`)).toEqual({ status: 200, body: { invocations: [] } });
  const sent = queries.mock.calls[0]?.[0];
  expect(sent).toContain(
    "WHERE (target_service_name = 'O''Hara') AND (status IN ('paused', 'running')) AND (created_at >= to_timestamp_millis(1795552878731)) ORDER BY created_at ASC, id ASC LIMIT 8",
  );
});

describe("one invocation", () => {
  test.each([
    ["GET", "/invocations/inv_1"],
    ["GET", `/invocations/${ID}'`],
    ["GET", `/invocations/${ID}%00`],
    ["GET", `/invocations/${ID}/timeline?payloads=1`],
    ["GET", `/invocations/${ID}/journal?limit=1001`],
    ["GET", `/invocations/${ID}/journal?after=-1`],
    ["POST", "/invocations/inv_1/cancel"],
    ["POST", `/invocations/${ID}/resume?deployment=newest`],
    ["POST", `/invocations/${ID}/resume?from=1`],
    ["POST", `/invocations/${ID}/restart?from=0`],
    ["POST", `/invocations/${ID}/restart?from=4294967296`],
    ["POST", `/invocations/${ID}/restart?deployment=dp_%2F..`],
  ])("%s %s is refused", async (method, path) => {
    expect(await ask(method, path)).toMatchObject({ status: 400, body: { code: "invalid-request" } });
    expect(queries).not.toHaveBeenCalled();
  });

  test("that is unknown is 404", async () => {
    queries.mockReturnValue([]);
    for (const path of ["", "/journal", "/timeline"]) {
      const answer = await ask("GET", `/invocations/${ID}${path}`);
      expect(answer).toMatchObject({ status: 404, body: { code: "invocation-not-found" } });
    }
  });
});

test.each([
  [{}],
  [{ action: "delete", ids: [ID] }],
  [{ action: "kill" }],
  [{ action: "kill", ids: [] }],
  [{ action: "kill", ids: Array.from({ length: 1001 }, () => ID) }],
  [{ action: "kill", ids: [ID], filter: { service: "Desk" }, atMost: 1 }],
  [{ action: "kill", ids: [ID], atMost: 1 }],
  [{ action: "kill", ids: [ID], dryRun: true }],
  [{ action: "kill", ids: [ID], deployment: "latest" }],
  [{ action: "resume", ids: [ID], from: 1 }],
  [{ action: "kill", filter: { service: "Desk" } }],
  [{ action: "kill", filter: {}, atMost: 10 }],
  [{ action: "kill", filter: { sevrice: "Desk" }, atMost: 10 }],
  [{ action: "kill", filter: { service: "Desk" }, atMost: 1001 }],
  [{ action: "kill", filter: { service: "Desk\n" }, atMost: 1 }],
  [{ action: "kill", ids: [ID], more: 1 }],
])("the batch %j is refused", async (body) => {
  expect(await ask("POST", "/invocations/batch", body)).toMatchObject({
    status: 400,
    body: { code: "invalid-request" },
  });
  expect(queries).not.toHaveBeenCalled();
});

test.each([
  ["GET", "/state/a'b", undefined],
  ["GET", `/state/Desk/${long}`, undefined],
  ["GET", "/state/Desk/a%0Ab", undefined],
  ["GET", "/state/Desk/a?scope=a b", undefined],
  ["GET", "/state/Desk?limit=1001", undefined],
  ["GET", "/state/Desk?prefix=a", undefined],
  ["PUT", "/state/Desk/a", {}],
  ["PUT", "/state/Desk/a", { values: { x: 1 } }],
  ["PUT", "/state/Desk/a", { values: { x: { json: 1, base64: "" } } }],
  ["PUT", "/state/Desk/a", { values: { x: { base64: "%" } } }],
  ["PUT", "/state/Desk/a", { values: { "": { json: 1 } } }],
  ["PUT", "/state/Desk/a", { values: {}, version: "x" }],
])("%s %s %j is refused", async (method, path, body) => {
  expect(await ask(method, path, body)).toMatchObject({ status: 400, body: { code: "invalid-request" } });
  expect(queries).not.toHaveBeenCalled();
});

test.each(["x", '"x"', "*", 'W/"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"'])(
  "if-match: %s is refused",
  async (etag) => {
    const answer = await ask("PUT", "/state/Desk/a", { values: {} }, { "if-match": etag });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid-request" } });
  },
);

test("a value that cannot be kept is refused, not dropped", async () => {
  const body = JSON.parse('{"values":{"a":{"json":1},"__proto__":{"json":2}}}') as unknown;
  const answer = await ask("PUT", "/state/Desk/a", body);
  expect(answer).toMatchObject({ status: 400, body: { code: "invalid-request" } });
  expect(JSON.stringify(answer.body)).toContain("__proto__");
});

test("any JSON is taken for a value, but it has to be there", async () => {
  const sent: unknown[] = [];
  vi.stubGlobal("fetch", (_url: string, init: RequestInit) => {
    const body = JSON.parse(init.body as string) as { query?: string; new_state?: Record<string, number[]> };
    if (body.query !== undefined) return Promise.resolve(Response.json({ rows: [] }));
    sent.push(...Object.values(body.new_state ?? {}).map((bytes) => Buffer.from(bytes).toString()));
    return Promise.resolve(Response.json({ message: "enough" }, { status: 409 }));
  });
  const values = ["null", "false", "0", '""', "[]", '{"__proto__":1}', `${"[".repeat(500)}${"]".repeat(500)}`];
  for (const value of values) {
    const body = JSON.parse(`{"values":{"a":{"json":${value}}}}`) as unknown;
    expect((await ask("PUT", "/state/Desk/a", body)).status).toBe(409);
  }
  expect(sent).toEqual(values);
  expect((await ask("PUT", "/state/Desk/a", { values: { a: {} } })).status).toBe(400);
});
