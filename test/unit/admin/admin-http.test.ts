/** What an Admin API, or what stands in its place, may answer, and what callers hear of it. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { AdminHttp } from "../../../src/admin/admin-http.ts";
import { sql } from "../../../src/admin/sql.ts";

const upstream = vi.fn<() => Response>();
const http = new AdminHttp({ url: "http://restate.test:9070" });
const REQUEST = { method: "GET", path: "/services" } as const;
const page = `<html>${"x".repeat(200_000)}</html>`;

beforeEach(() => {
  vi.stubGlobal("fetch", () => Promise.resolve(upstream()));
});
afterEach(() => {
  vi.unstubAllGlobals();
  upstream.mockReset();
});

test.each([
  ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://login.example" } })],
  ["304", () => new Response(null, { status: 304 })],
  ["a redirect with a message", () => Response.json({ message: "elsewhere" }, { status: 307 })],
  ["404 of a web server", () => new Response(page, { status: 404 })],
  ["400 without a body", () => new Response(null, { status: 400 })],
  ["400 of another API", () => Response.json({ error: "no" }, { status: 400 })],
  ["409 with a message that is none", () => Response.json({ message: { secret: 1 } }, { status: 409 })],
  ["500 of a proxy", () => new Response("stack trace", { status: 500 })],
])("%s is no refusal of the caller's request", async (_what, answer) => {
  upstream.mockImplementation(answer);
  const failure: unknown = await http.send(REQUEST).catch((error: unknown) => error);
  expect(failure).toMatchObject({ errorCode: "restate-unexpected", code: 502 });
  expect(failure).toHaveProperty("cause.message", `Status ${answer().status}`);
  expect((failure as Error).message).not.toMatch(/html|stack|secret|elsewhere/);
});

test.each([
  ["7", 7],
  ["0.5", 1],
  [undefined, 2],
  ["tomorrow", 2],
  ["1e9", 3600],
])("429 with retry-after: %s is tried again after %d s", async (header, retryAfterSeconds) => {
  const headers: Record<string, string> = header === undefined ? {} : { "retry-after": header };
  upstream.mockReturnValue(Response.json({ message: "busy" }, { status: 429, headers }));
  await expect(http.send(REQUEST)).rejects.toMatchObject({
    name: "RestateOverloadedError",
    code: 503,
    retryAfterSeconds,
  });
});

test.each([
  [422, "Failed to deserialize the JSON body into the target type: inactivity_timeout: expected a duration"],
  [400, "Invalid URL: Cannot parse `deployment` with value `dp_1`: bad length"],
])("%d of Restate for a value that it cannot read is a refusal, though no JSON", async (status, text) => {
  upstream.mockReturnValue(new Response(`${text}\nmore`, { status }));
  const message = `Restate refused GET /services: ${text}`;
  await expect(http.send(REQUEST)).rejects.toMatchObject({ errorCode: "restate-refused", code: status, message });
});

test("a refusal tells the first line, of bounded length", async () => {
  const refused = async (message: string): Promise<string> => {
    upstream.mockReturnValue(Response.json({ message, restate_code: "META0004" }, { status: 409 }));
    const failure = (await http.send(REQUEST).catch((error: unknown) => error)) as Error;
    expect(failure).toMatchObject({ errorCode: "restate-refused", code: 409, fields: { restateCode: "META0004" } });
    return failure.message;
  };
  expect(await refused("it conflicts\nat line 1\nat line 2")).toBe("Restate refused GET /services: it conflicts");
  expect(await refused(page)).toHaveLength("Restate refused GET /services: ".length + 500);
  expect((await refused(`${"x".repeat(499)}😀`)).isWellFormed()).toBe(true);
});

test.each([400, 404, 409, 500])("a query that Restate refuses with %d was not the caller's", async (status) => {
  upstream.mockReturnValue(Response.json({ message: "no such column" }, { status }));
  await expect(http.query(sql`SELECT 1`, z.unknown())).rejects.toMatchObject({
    errorCode: "restate-unexpected",
    code: 502,
    cause: { errorCode: "restate-refused" },
  });
});
