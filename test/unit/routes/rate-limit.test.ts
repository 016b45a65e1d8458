import { createHash } from "node:crypto";
import { Hono, type MiddlewareHandler } from "hono";
import { expect, test, vi } from "vitest";
import { problemOf } from "../../../routes/problem.ts";
import { rateLimit, type RateLimiter, type RateLimitOutcome } from "../../../routes/rate-limit.ts";

const limit = vi.fn<RateLimiter["limit"]>();
const pass: MiddlewareHandler = async (_context, next) => next();

const app = (limiter: RateLimiter | undefined, before = pass) =>
  new Hono()
    .use("*", before, rateLimit(limiter))
    .get("/", (context) => context.text("in"))
    .onError((error) => problemOf(error));

async function ask(outcome: RateLimitOutcome, headers: Record<string, string> = {}, before = pass): Promise<Response> {
  limit.mockReset().mockResolvedValue(outcome);
  return app({ limit }, before).request("/", { headers });
}

test("a caller below the limit passes, one above it is told when to come again", async () => {
  expect((await ask({ success: true })).status).toBe(200);
  const refused = await ask({ success: false, retryAfterSeconds: 2.2 });
  expect([refused.status, await refused.json()]).toMatchObject([429, { code: "rate-limited" }]);
  expect(refused.headers.get("retry-after")).toBe("3");
  expect((await ask({ success: false })).headers.get("retry-after")).toBe("10");
  expect((await ask({ success: false, retryAfterSeconds: 0 })).headers.get("retry-after")).toBe("1");
});

test("a caller is known by the beginning of the API key's hash, however the header is written", async () => {
  const key = createHash("sha256").update("secret-key-of-a-caller").digest("hex").slice(0, 16);
  for (const scheme of ["Bearer ", "bearer  "]) {
    await ask({ success: true }, { authorization: `${scheme}secret-key-of-a-caller` });
    expect(limit).toHaveBeenLastCalledWith(key);
  }
  await ask({ success: true }, { authorization: "Bearer another-key-of-a-caller" });
  expect(limit).not.toHaveBeenLastCalledWith(key);
  await ask({ success: true });
  expect(limit).toHaveBeenLastCalledWith("anonymous");
});

test("what auth sets as caller, or the subject of its JWT, comes before the header", async () => {
  const set =
    (name: string, value: unknown): MiddlewareHandler =>
    async (context, next) => {
      context.set(name, value);
      await next();
    };
  const headers = { authorization: "Bearer changes-with-every-request" };
  await ask({ success: true }, headers, set("caller", "tenant-7"));
  expect(limit).toHaveBeenLastCalledWith("tenant-7");
  await ask({ success: true }, headers, set("jwtPayload", { sub: "user-9" }));
  expect(limit).toHaveBeenLastCalledWith("user-9");
  for (const nothing of [set("caller", ""), set("jwtPayload", {}), set("jwtPayload", { sub: "" })]) {
    await ask({ success: true }, headers, nothing);
    expect(limit).toHaveBeenLastCalledWith(expect.stringMatching(/^[0-9a-f]{16}$/));
  }
});

test("the Worker's binding is asked when no limiter is given", async () => {
  const bound = vi.fn<(options: { key: string }) => Promise<RateLimitOutcome>>();
  const binding = { limit: bound };
  const ask = (limiter?: RateLimiter) => {
    vi.stubGlobal("navigator", { userAgent: "Cloudflare-Workers" });
    try {
      return app(limiter).request("/", {}, { RATE_LIMITER: binding });
    } finally {
      vi.unstubAllGlobals();
    }
  };
  bound.mockResolvedValueOnce({ success: true }).mockResolvedValueOnce({ success: false });
  expect((await ask()).status).toBe(200);
  expect((await ask()).status).toBe(429);
  expect(bound.mock.calls).toEqual([[{ key: "anonymous" }], [{ key: "anonymous" }]]);
  limit.mockReset().mockResolvedValue({ success: true });
  expect((await ask({ limit })).status).toBe(200);
  expect(bound).toHaveBeenCalledTimes(2);
});

test("without a limiter everybody passes; one that fails fails the request", async () => {
  expect((await app(undefined).request("/")).status).toBe(200);
  limit.mockReset().mockRejectedValue(new Error("The limiter is away"));
  expect((await app({ limit }).request("/")).status).toBe(500);
});
