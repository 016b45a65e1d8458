import { createHash } from "node:crypto";
import { Hono } from "hono";
import { expect, test } from "vitest";
import { bearerGate, TokenSet } from "../../../routes/auth.ts";
import { HttpProblem, problemOf } from "../../../routes/problem.ts";

const FIRST = "first-token-0123456789";
const SECOND = "second.token_~+/=0123456789";
const hashOf = (token: string): string => `sha256:${createHash("sha256").update(token).digest("hex")}`;

let setting: string | undefined;

const app = new Hono()
  .use(
    "/gated/*",
    bearerGate({
      setting: "SOME_TOKENS",
      tokens: () => setting,
      closed: (path) => new HttpProblem("not-found", 404, `Nothing at ${path}`),
    }),
  )
  .all("/gated/*", (context) => context.text("in"))
  .onError((error) => problemOf(error));

async function ask(authorization: string | undefined, path = "/gated/x", method = "GET"): Promise<[number, string]> {
  const response = await app.request(path, {
    method,
    headers: authorization === undefined ? {} : { authorization },
  });
  const body = await response.text();
  return [response.status, response.status === 200 ? body : (JSON.parse(body || "{}") as { code: string }).code];
}

test("each of several tokens lets in, so that they can rotate", async () => {
  setting = ` ${FIRST} ,, ${SECOND},`;
  for (const token of [FIRST, SECOND]) {
    for (const header of [`Bearer ${token}`, `bearer   ${token} `, `BEARER ${token}`]) {
      expect(await ask(header)).toEqual([200, "in"]);
    }
  }
  setting = SECOND;
  expect(await ask(`Bearer ${FIRST}`)).toEqual([401, "unauthorized"]);
  expect(await ask(`Bearer ${SECOND}`)).toEqual([200, "in"]);
});

test("a hash stands for its token, and is none itself", async () => {
  setting = `${hashOf(FIRST)},${hashOf(SECOND).toUpperCase().replace("SHA256", "sha256")}`;
  expect(await ask(`Bearer ${FIRST}`)).toEqual([200, "in"]);
  expect(await ask(`Bearer ${SECOND}`)).toEqual([200, "in"]);
  for (const wrong of [hashOf(FIRST), hashOf(FIRST).slice(7), "sha256:"]) {
    expect(await ask(`Bearer ${wrong}`)).toEqual([401, "unauthorized"]);
  }
});

test.each([
  ["nothing", undefined],
  ["another scheme", `Basic ${FIRST}`],
  ["the token alone", FIRST],
  ["an empty token", "Bearer "],
  ["the beginning of a token", `Bearer ${FIRST.slice(0, -1)}`],
  ["a longer token", `Bearer ${FIRST}0`],
  ["another case", `Bearer ${FIRST.toUpperCase()}`],
  ["two tokens", `Bearer ${FIRST}, Bearer ${FIRST}`],
  ["both tokens of the setting", `Bearer ${FIRST},${SECOND}`],
  ["the whole setting", `Bearer ${FIRST}, ${SECOND}`],
])("%s does not let in", async (_what, authorization) => {
  setting = `${FIRST}, ${SECOND}`;
  for (const method of ["GET", "POST", "DELETE", "OPTIONS", "PROPFIND"]) {
    expect(await ask(authorization, "/gated/x", method)).toEqual([401, "unauthorized"]);
  }
});

test("a refusal names the scheme, and says whether there was a token", async () => {
  setting = FIRST;
  const challenge = async (headers: Record<string, string>) =>
    (await app.request("/gated/x", { headers })).headers.get("www-authenticate");
  expect(await challenge({})).toBe("Bearer");
  expect(await challenge({ authorization: "Bearer wrong" })).toBe('Bearer error="invalid_token"');
});

test.each([undefined, "", " ", ",", " , ,"])("without a token the gate is closed: %j", async (value) => {
  setting = value;
  for (const authorization of [undefined, "Bearer ", "Bearer ,", `Bearer ${FIRST}`]) {
    expect(await ask(authorization)).toEqual([404, "not-found"]);
  }
});

test.each([
  ["a short token", "short", /at least 16 characters/],
  ["one short token of several", `${FIRST},short`, /at least 16 characters/],
  ["half a hash", "sha256:abcdef", /64 hexadecimal digits/],
  ["a hash with a wrong digit", `sha256:${"g".repeat(64)}`, /64 hexadecimal digits/],
  ["a hash in capitals, malformed", `SHA256:${"g".repeat(64)}`, /64 hexadecimal digits/],
  ["a token that no header can carry", "sixteen characters!", /letters, digits/],
])("%s is a wrong setting, and is not shown", async (_what, value, rule) => {
  setting = value;
  const response = await app.request("/gated/x", { headers: { authorization: `Bearer ${FIRST}` } });
  const body = (await response.json()) as { code: string; detail: string };
  expect([response.status, body.code]).toEqual([503, "invalid-settings"]);
  expect(body.detail).toMatch(rule);
  expect(body.detail).toContain("SOME_TOKENS");
  for (const secret of value.split(",")) expect(body.detail).not.toContain(secret);
});

test.each([
  "token",
  "api_key",
  "apiKey",
  "API-KEY",
  "access_token",
  "x-api-key",
  "admin_token",
  "key",
  "secret",
  "jwt",
])("a token in the query is refused, also a right one: ?%s=", async (name) => {
  setting = FIRST;
  const response = await app.request(`/gated/x?page=1&${name}=${FIRST}`, {
    headers: { authorization: `Bearer ${FIRST}` },
  });
  const text = await response.text();
  expect([response.status, (JSON.parse(text) as { code: string }).code]).toEqual([400, "token-in-query"]);
  expect(text).not.toContain(FIRST);
});

test("a known token in the query is refused under any name, and not repeated", async () => {
  setting = `${FIRST},${hashOf(SECOND)}`;
  for (const value of [FIRST, SECOND, ` ${FIRST}`, `Bearer ${SECOND}`]) {
    for (const authorization of [undefined, `Bearer ${FIRST}`]) {
      const query = new URLSearchParams([
        ["page", "1"],
        ["q", "something-quite-harmless"],
        ["q", value],
      ]);
      expect(await ask(authorization, `/gated/x?${query.toString()}`)).toEqual([400, "token-in-query"]);
    }
  }
  expect(await ask(`Bearer ${FIRST}`, "/gated/x?q=something-quite-harmless")).toEqual([200, "in"]);
});

test("a name that the routes use is no token's, but a known token is refused there too", async () => {
  setting = FIRST;
  const own = new Hono()
    .use(
      bearerGate({
        setting: "X",
        tokens: () => setting,
        ownQueryNames: ["key"],
        closed: () => new HttpProblem("not-found", 404, ""),
      }),
    )
    .get("/", (context) => context.text("in"))
    .onError((error) => problemOf(error));
  const status = async (query: string) =>
    (await own.request(`/?${query}`, { headers: { authorization: `Bearer ${FIRST}` } })).status;
  expect(await status("key=an-object-of-this-key")).toBe(200);
  expect(await status(`key=${FIRST}`)).toBe(400);
  expect(await status("KEY=an-object-of-this-key")).toBe(400);
});

test("a comparison looks at every token, wherever the right one stands", async () => {
  const tokens = Array.from({ length: 50 }, (_, n) => `token-number-${n}-0123456789`);
  const set = await TokenSet.parse("SOME_TOKENS", tokens.join(","));
  expect(set.size).toBe(50);
  for (const token of tokens) expect(await set.has(token)).toBe(true);
  for (const stranger of ["", tokens.join(","), "token-number-50-0123456789"]) {
    expect(await set.has(stranger)).toBe(false);
  }
  // The same token twice: still one that is known.
  expect(await (await TokenSet.parse("SOME_TOKENS", `${FIRST},${FIRST}`)).has(FIRST)).toBe(true);
});
