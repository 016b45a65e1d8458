/**
 * What somebody might try on the app in workerd, one by one, with a real Restate behind it (G9).
 *
 * Requests go over sockets as they are written here; `fuzz.test.ts` looks for what nobody thought of.
 */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { TokenSet } from "../../routes/auth.ts";
import { createEdgeApp } from "../../routes/index.ts";
import { type Context, service } from "../../src/index.ts";
import { Asker, type Told } from "./fuzz/ask.ts";
import { FuzzStack, SECRETS } from "./fuzz/fuzz-stack.ts";
import { type OpenApiDocument, type Operation, operationsOf } from "./fuzz/operations.ts";
import { exchange } from "./fuzz/raw-http.ts";
import type { SeenRequest } from "./fuzz/recording-proxy.ts";

const ADMIN = SECRETS.ADMIN_TOKEN;
const AGENT = SECRETS.AGENT_API_KEYS;
/** How long a body may take, in milliseconds, and what the machine may add. */
const BODY_TIMEOUT_MS = 10_000;
const SLACK_MS = 3_000;
const MIB = 1024 * 1024;

const agents = service({ name: "Echo", handlers: { say: async (_ctx: Context, input: unknown) => input } });

let stack: FuzzStack;
let app: Asker;
let operations: readonly Operation[];

beforeAll(async () => {
  stack = await FuzzStack.start();
  app = new Asker(stack.port);
  await stack.seed();
  operations = operationsOf((await app.ask("GET", "/openapi.json")).json as OpenApiDocument);
});
afterAll(() => stack?.stop());

/** What reached Restate's ingress while `act` ran. */
async function seenBy(act: () => Promise<unknown>): Promise<readonly SeenRequest[]> {
  const seen: SeenRequest[] = [];
  stack.ingress.seen = seen;
  try {
    await act();
  } finally {
    stack.ingress.seen = undefined;
  }
  return seen;
}

const outcome = ({ status, code }: Told): string => `${status} ${code ?? ""}`.trim();

describe("bodies", () => {
  test("one that drips in is given up after its time, and holds nobody else up", async () => {
    const drip = (target: string, token: string): Promise<Told> => {
      const head = `POST ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`;
      const bytes = Array.from({ length: 100 }, () => " ");
      return app.raw([head, ...bytes], { pauseMs: 200, timeoutMs: BODY_TIMEOUT_MS + SLACK_MS });
    };
    const slow = Promise.all([
      drip("/admin/deployments", ADMIN),
      drip("/agents/Echo/say", AGENT),
      drip("/agents/Keyed/slow/say", AGENT),
    ]);
    for (let n = 0; n < 10; n++) {
      expect(outcome(await app.ask("POST", "/agents/Echo/say", { token: AGENT, body: n, timeoutMs: 2_000 }))).toBe(
        "200",
      );
    }
    const answers = await slow;
    expect(answers.map(outcome)).toEqual(Array.from({ length: 3 }, () => "408 body-timeout"));
    for (const { ms } of answers) expect(ms).toBeGreaterThan(BODY_TIMEOUT_MS - 500);
  });

  test.each(["/restate/invoke/Echo/say", "/admin/deployments", "/agents/Echo/say"])(
    "strangers are refused before their body has come: %s",
    async (target) => {
      const head = `POST ${target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`;
      const answer = await app.raw([head], { timeoutMs: 2_000 });
      expect(answer.status).toBe(401);
    },
  );

  test.each(["/admin/deployments", "/agents/Echo/say"])("one that is too large is refused: %s", async (target) => {
    const token = target.startsWith("/admin") ? ADMIN : AGENT;
    const head = `POST ${target} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
    for (const length of [MIB + 1, 2 ** 40, 999_999_999_999_999]) {
      const announced = await app.raw([`${head}content-length: ${length}\r\n\r\n`], { timeoutMs: 2_000 });
      expect(outcome(announced)).toBe("413 body-too-large");
    }
    const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
    const chunks = Array.from({ length: 17 }, () => chunk);
    const chunked = await app.raw([`${head}transfer-encoding: chunked\r\n\r\n`, ...chunks], { timeoutMs: 4_000 });
    expect(outcome(chunked)).toBe("413 body-too-large");
    const largest = await app.ask("POST", target, { token, body: `"${"x".repeat(MIB - 2)}"` });
    expect(largest.status).not.toBe(413);
  });

  const bombs: readonly (readonly [string, string])[] = [
    ["nested arrays", "[".repeat(MIB / 2) + "]".repeat(MIB / 2)],
    ["nested objects", `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`],
    ["an unclosed nesting", "[".repeat(MIB)],
    ["many keys", `{${Array.from({ length: 70_000 }, (_, n) => `"key${n}":1`).join(",")}}`],
    ["the same key many times", `{${Array.from({ length: 100_000 }, () => '"a":1').join(",")}}`],
    ["a long number", "1".repeat(MIB)],
    ["a long exponent", `1e${"9".repeat(MIB - 2)}`],
    ["many escapes", `"${String.raw`\u0000`.repeat(170_000)}"`],
  ];
  test.each(bombs)("a megabyte of %s is answered fast", async (_what, body) => {
    const admin = await app.ask("POST", "/admin/deployments", { token: ADMIN, body, timeoutMs: 5_000 });
    expect(admin.status).toBe(400);
    const agents = await app.ask("POST", "/agents/Echo/kind", { token: AGENT, body, timeoutMs: 5_000 });
    expect([200, 400]).toContain(agents.status);
    expect((await app.ask("GET", "/health")).ms).toBeLessThan(2_000);
  });

  test.each([
    ["a stray byte", Buffer.from([0x22, 0xff, 0x22])],
    ["an overlong encoding", Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ["a surrogate", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ["a cut-off character", Buffer.from([0x22, 0xf0, 0x9f, 0x98, 0x22])],
    ["UTF-16", Buffer.from('{"a":1}', "utf16le")],
  ])("%s is no JSON", async (_what, body) => {
    const seen = await seenBy(async () => {
      expect(outcome(await app.ask("POST", "/admin/deployments", { token: ADMIN, body }))).toBe("400 malformed-json");
      expect(outcome(await app.ask("POST", "/agents/Echo/say", { token: AGENT, body }))).toBe("400 malformed-json");
    });
    expect(seen).toEqual([]);
  });

  test.each([
    "text/plain",
    "text/plain; application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/octet-stream",
    "",
    null,
  ])("a form of another site could send %j: refused", async (contentType) => {
    const seen = await seenBy(async () => {
      for (const [target, token] of [
        ["/admin/deployments", ADMIN],
        ["/agents/Echo/say", AGENT],
      ] as const) {
        const answer = await app.ask("POST", target, { token, body: "{}", contentType });
        expect(outcome(answer)).toBe("415 unsupported-media-type");
      }
    });
    expect(seen).toEqual([]);
  });

  test("a compressed one is refused, so nothing grows when it is unpacked", async () => {
    const headers = ["content-encoding: gzip"];
    const answer = await app.ask("POST", "/agents/Echo/say", {
      token: AGENT,
      headers,
      body: Buffer.from("1f8b08", "hex"),
    });
    expect(outcome(answer)).toBe("415 unsupported-media-type");
  });

  test("one of GET changes nothing", async () => {
    expect(outcome(await app.ask("GET", "/restate/discover", { body: "{}" }))).toBe("401 identity-rejected");
    expect(outcome(await app.ask("GET", "/health", { body: "{}" }))).toBe("200");
    expect(outcome(await app.ask("GET", "/admin/services", { token: ADMIN, body: "{}" }))).toBe("200");
  });
});

describe("the Restate endpoint", () => {
  const forged = [
    [],
    ["x-restate-signature-scheme: v1"],
    ["x-restate-signature-scheme: unsigned"],
    ["x-restate-signature-scheme: v1", "x-restate-jwt-v1: "],
    ["x-restate-signature-scheme: v1", "x-restate-jwt-v1: eyJhbGciOiJub25lIn0.e30."],
    ["x-restate-signature-scheme: v1", "x-restate-jwt-v1: eyJhbGciOiJIUzI1NiJ9.e30.AAAA"],
    [`authorization: Bearer ${ADMIN}`],
    [`authorization: Bearer ${SECRETS.RESTATE_AUTH_TOKEN}`],
    ["x-forwarded-for: 127.0.0.1", "host: localhost"],
  ];
  test.each(forged)("serves nobody who only says that he is Restate: %j", async (...headers) => {
    const runs = async (): Promise<unknown> => stack.restate.query("SELECT count(*) AS n FROM sys_invocation");
    const before = await runs();
    const type = "application/vnd.restate.invocation.v5";
    for (const [method, target] of [
      ["GET", "/restate/discover"],
      ["POST", "/restate/invoke/Echo/say"],
      ["POST", "/restate/invoke/Internal/say"],
      ["POST", "/restate/serdes/Echo/decode/say/input"],
    ] as const) {
      const body = method === "POST" ? Buffer.from([0, 0, 0, 0, 0, 0, 0, 0]) : undefined;
      const answer = await app.ask(method, target, { headers, body, contentType: type });
      // Two hosts make no URL.
      expect(["401 identity-rejected", "400 invalid-request"]).toContain(outcome(answer));
    }
    expect(await runs()).toEqual(before);
  });
});

describe("paths", () => {
  const detours = [
    "/agents/../admin/services",
    "/agents/%2e%2e/admin/services",
    "/agents/..%2fadmin/services",
    "/agents/%2e%2e%2fadmin%2fservices",
    "/agents/%252e%252e/admin/services",
    "/agents/..;/admin/services",
    "/agents/.%2e/admin/services",
    "/health/../admin/services",
    "//admin/services",
    "/./admin/services",
    "/\\admin\\services",
    "/%61dmin/services",
    "/admin%2fservices",
    "/ADMIN/services",
    "/admin;x=1/services",
    "/admin/services#/health",
    "/admin/services%00/health",
    "/admin/services?/health",
    "http://127.0.0.1/admin/services",
  ];
  test.each(detours)("%s is no way past the gate of /admin", async (target) => {
    for (const token of [undefined, AGENT]) {
      const answer = await app.ask("GET", target, { token });
      expect([400, 401, 404, 405]).toContain(answer.status);
      expect(answer.text).not.toContain("Echo");
    }
  });

  test.each([
    "/restate/../restate/discover",
    "/restate/%2e%2e/admin/services",
    "/restate/invoke/Echo/..%2f..%2fdiscover",
    "/restate/invoke/Echo/say/../../../discover",
    "/restate/invoke/Echo/%73ay",
    "/restate%2fdiscover",
    "/restate/serdes/../../health",
  ])("%s is on no list of the Restate endpoint, or asks for a signature", async (target) => {
    for (const method of ["GET", "POST"]) {
      const answer = await app.ask(method, target);
      expect(["400", "401", "404", "405"]).toContain(String(answer.status));
    }
  });

  const keys = [
    "%2e%2e%2f%2e%2e%2fEcho",
    "..%2FInternal",
    "%2F",
    "a%2Fb",
    "a%5C..%5Cb",
    "%3Fx%3D1",
    "%23",
    "a%20b",
    "%25",
    "...",
  ];
  test.each(keys)("a key of %s is one key, not a path", async (key) => {
    const seen = await seenBy(async () => {
      const answer = await app.ask("POST", `/agents/Keyed/${key}/say`, { token: AGENT, body: 1 });
      expect([outcome(answer), answer.json]).toEqual(["200", { key: decodeURIComponent(key) }]);
    });
    expect(seen.map(({ target }) => target)).toEqual([
      `/restate/call/Keyed/${encodeURIComponent(decodeURIComponent(key))}/say`,
    ]);
  });

  test.each(["..", ".", "%2e%2e", "%2E%2e", ".%2e", "%2e"])("a key of %s reaches no other handler", async (key) => {
    const seen = await seenBy(async () => {
      for (const target of [
        `/agents/Keyed/${key}/say`,
        `/agents/Echo/${key}/Internal/say`,
        `/agents/Keyed/${key}/Echo`,
      ]) {
        const answer = await app.ask("POST", target, { token: AGENT, body: 1 });
        expect([400, 404, 405]).toContain(answer.status);
      }
    });
    expect(seen).toEqual([]);
  });

  test.each(["%252e%252e", "%2e%2e", "..", "..%2f..%2fversion", "%2fversion"])(
    "an id of %s reaches nothing else of Restate's Admin API",
    async (id) => {
      for (const [method, target] of [
        ["GET", `/admin/services/${id}`],
        ["GET", `/admin/services/${id}/handlers`],
        ["GET", `/admin/deployments/${id}`],
        ["DELETE", `/admin/deployments/${id}`],
        ["GET", `/admin/subscriptions/${id}`],
        ["GET", `/admin/kafka-clusters/${id}`],
        ["DELETE", `/admin/kafka-clusters/${id}`],
      ] as const) {
        const answer = await app.ask(method, target, { token: ADMIN });
        expect([400, 404, 405]).toContain(answer.status);
      }
    },
  );

  test("services that are not public do not exist", async () => {
    const seen = await seenBy(async () => {
      for (const target of ["/agents/Internal/say", "/agents/Sacrifice/run", "/agents/Nope/say", "/agents/Echo/nope"]) {
        const { status, code, text } = await app.ask("POST", target, { token: AGENT, body: 1 });
        const [, service, handler] = target.split("/").slice(1);
        expect([status, code, text.includes(`${service}/${handler}`)]).toEqual([404, "not-found", true]);
      }
    });
    expect(seen).toEqual([]);
  });
});

describe("headers", () => {
  /** What the app may tell Restate's ingress about a request. */
  const PASSED_ON = [
    "accept",
    "accept-encoding",
    "authorization",
    "cf-worker",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "traceparent",
    "tracestate",
    "transfer-encoding",
  ];
  const call = (headers: readonly string[], target = "/agents/Echo/say"): Promise<Told> =>
    app.ask("POST", target, { token: AGENT, headers, body: 1 });

  const names = ["idempotency-key", "traceparent", "tracestate", "prefer", "x-request-id", "x-restate-limit-key"];
  const injections = [
    "a%0d%0ax-injected: 1",
    "a\\r\\nx-injected: 1",
    "a\u00e5\u0085x-injected: 1",
    "a\tx-injected: 1",
    "a;x-injected=1",
  ];
  test.each(names)("nothing of %s becomes another header", async (name) => {
    const seen = await seenBy(async () => {
      for (const value of injections) {
        const answer = await call([`${name}: ${value}`]);
        expect([200, 202, 400]).toContain(answer.status);
        expect(answer.all).not.toMatch(/^x-injected:/im);
        expect(answer.header("x-request-id")).not.toContain("injected");
      }
    });
    for (const { rawHeaders } of seen) {
      const names = rawHeaders.filter((_, index) => index % 2 === 0).map((header) => header.toLowerCase());
      expect(names).not.toContain("x-injected");
      expect(names.filter((header) => !PASSED_ON.includes(header))).toEqual([]);
    }
  });

  test.each(["a\rx-injected: 1", "a\0b", "a\r\n folded: 1"])(
    "control characters in a value are no HTTP: %j",
    async (value) => {
      const seen = await seenBy(async () => {
        const answer = await call([`idempotency-key: ${value}`]);
        expect(answer.status).toBe(400);
      });
      expect(seen).toEqual([]);
    },
  );

  test("line breaks in a key or a query reach neither Restate's headers nor the answer's", async () => {
    const seen = await seenBy(async () => {
      const keyed = await call([], "/agents/Keyed/a%0d%0ax-injected:%201/say");
      const asked = await call(["prefer: respond-async"], "/agents/Keyed/a%0d%0ax-injected:%202/say");
      const delayed = await call([], "/agents/Echo/say?delay=1s%0d%0ax-injected:%201");
      expect([keyed.status, asked.status, delayed.status]).toEqual([200, 202, 400]);
      for (const { all } of [keyed, asked, delayed]) expect(all.split("\n\n")[0]).not.toContain("injected");
    });
    for (const { rawHeaders } of seen) expect(rawHeaders.join("\n")).not.toContain("injected");
  });

  test("the caller's key stays here: Restate is told its own token, once", async () => {
    const seen = await seenBy(() => call(["cookie: a=1", "x-api-key: secret", "x-forwarded-for: 1.2.3.4"]));
    expect(seen).toHaveLength(1);
    const text = seen[0]?.rawHeaders.join("\n") ?? "";
    expect(text).toContain(`Bearer ${SECRETS.RESTATE_AUTH_TOKEN}`);
    for (const hidden of [AGENT, "cookie", "x-api-key", "1.2.3.4"]) expect(text).not.toContain(hidden);
  });

  test.each(["x-http-method-override", "x-method-override", "x-http-method", "x-original-method"])(
    "%s changes no method",
    async (name) => {
      const { json } = await app.ask("GET", "/admin/deployments", { token: ADMIN });
      const [deployment] = (json as { readonly deployments: readonly { readonly id: string }[] }).deployments;
      const target = `/admin/deployments/${deployment?.id}`;
      for (const [method, other] of [
        ["GET", "DELETE"],
        ["GET", "PATCH"],
      ]) {
        const answer = await app.ask(method ?? "", `${target}?_method=${other}`, {
          token: ADMIN,
          headers: [`${name}: ${other}`],
        });
        expect([200, 400]).toContain(answer.status);
      }
      const posted = await app.ask("POST", target, { token: ADMIN, headers: [`${name}: DELETE`], body: {} });
      expect(outcome(posted)).toBe("405 method-not-allowed");
      expect((await app.ask("GET", target, { token: ADMIN })).status).toBe(200);
    },
  );

  test.each(["x-original-url", "x-rewrite-url", "x-forwarded-prefix", "x-forwarded-uri"])(
    "%s changes no path",
    async (name) => {
      const answer = await app.ask("GET", "/health", { headers: [`${name}: /admin/services`] });
      expect([answer.status, answer.text.includes("Echo")]).toEqual([200, false]);
    },
  );

  test("a preference of many spaces is read in no time", async () => {
    for (const value of [
      `a=${" ".repeat(30_000)}"x"y`,
      `a${" ".repeat(30_000)}b`,
      `wait=${" ".repeat(30_000)}"`,
      ",".repeat(30_000),
    ]) {
      const answer = await app.ask("POST", "/agents/Echo/say", {
        token: AGENT,
        headers: [`prefer: ${value}`],
        body: 1,
      });
      expect(answer.ms).toBeLessThan(1_000);
    }
  });
});

describe("requests in requests", () => {
  const inner = `POST /agents/Keyed/smuggled/say HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${AGENT}\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n1`;
  const head = `POST /agents/Echo/say HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${AGENT}\r\ncontent-type: application/json\r\n`;
  const shapes: readonly (readonly [string, string])[] = [
    ["two lengths", `${head}content-length: 1\r\ncontent-length: 5\r\n\r\n1`],
    ["a list of lengths", `${head}content-length: 1, 5\r\n\r\n1`],
    ["a signed length", `${head}content-length: +1\r\n\r\n1`],
    ["a length with a space before the colon", `${head}content-length : 1\r\n\r\n1`],
    ["another coding", `${head}transfer-encoding: xchunked\r\ncontent-length: ${inner.length}\r\n\r\n`],
    ["chunked, hidden by a tab", `${head}transfer-encoding:\tchunked, identity\r\ncontent-length: 1\r\n\r\n`],
    ["a folded coding", `${head}transfer-encoding:\r\n chunked\r\ncontent-length: 1\r\n\r\n`],
  ];
  test.each(shapes)("%s: no second request is found in it", async (_what, outer) => {
    const seen = await seenBy(async () => {
      await exchange(stack.port, [outer + inner], { halfClose: true, timeoutMs: 2_000 });
    });
    expect(seen.map(({ target }) => target)).not.toContain("/restate/call/Keyed/smuggled/say");
  });

  test("a length beside chunks counts for nothing: what comes after the last chunk is not part of the body", async () => {
    const outer = `${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\n`;
    const seen = await seenBy(async () => {
      await exchange(stack.port, [outer], { timeoutMs: 2_000, halfClose: true });
    });
    for (const { target, body } of seen) expect([target, body]).toEqual(["/restate/call/Echo/say", "1"]);
  });

  test("a body that looks like a request is a body", async () => {
    const seen = await seenBy(async () => {
      const answer = await app.ask("POST", "/agents/Echo/say", { token: AGENT, body: JSON.stringify(inner) });
      expect(answer.json).toEqual({ input: inner });
    });
    expect(seen.map(({ target }) => target)).toEqual(["/restate/call/Echo/say"]);
  });
});

describe("tokens", () => {
  const names = [
    "access_token",
    "api_key",
    "api-key",
    "apiKey",
    "x-api-key",
    "auth_token",
    "authorization",
    "token",
    "TOKEN",
    "bearer",
    "admin_token",
  ];
  test.each(names)("one in the query as %s is refused, and not repeated", async (name) => {
    for (const [target, token] of [
      ["/admin/services", ADMIN],
      ["/agents/invocations/inv_1", AGENT],
    ] as const) {
      for (const header of [undefined, token]) {
        const answer = await app.ask("GET", `${target}?a=1&${name}=${token}`, { token: header });
        expect(outcome(answer)).toBe("400 token-in-query");
        expect(answer.all).not.toContain(token);
      }
    }
    expect(stack.worker.log).not.toContain("canary");
  });

  const wrong = [
    "",
    "Bearer",
    "Bearer ",
    `Basic ${btoa(`admin:${ADMIN}`)}`,
    ADMIN,
    `Bearer ${ADMIN}x`,
    `Bearer ${ADMIN.slice(0, -1)}`,
    `Bearer ${ADMIN.toUpperCase()}`,
    `Bearer ${ADMIN},${ADMIN}`,
    `Bearer ${ADMIN} ${ADMIN}`,
    `Bearer ${AGENT}`,
    `Bearer ${SECRETS.RESTATE_AUTH_TOKEN}`,
    "Bearer undefined",
    "Bearer null",
    "Bearer [object Object]",
    `Bearer ${"a".repeat(8_000)}`,
  ];
  test.each(wrong)("the admin's gate stays closed to %j", async (authorization) => {
    for (const target of ["/admin/services", "/admin/nothing"]) {
      const answer = await app.ask("GET", target, { headers: [`authorization: ${authorization}`] });
      expect(outcome(answer)).toBe("401 unauthorized");
      expect(answer.header("www-authenticate")).toMatch(/^Bearer/);
      expect(answer.header("server-timing")).toBeUndefined();
      expect(answer.all).not.toContain("canary");
    }
  });

  test("the admin's token opens the agents to nobody", async () => {
    expect(outcome(await app.ask("POST", "/agents/Echo/say", { token: ADMIN, body: 1 }))).toBe("401 unauthorized");
  });

  test("two authorizations are none, in either order", async () => {
    for (const headers of [
      [`authorization: Bearer ${ADMIN}`, "authorization: Bearer wrong-token-wrong-token"],
      ["authorization: Bearer wrong-token-wrong-token", `authorization: Bearer ${ADMIN}`],
    ]) {
      const { status } = await app.ask("GET", "/admin/services", { headers });
      expect([400, 401]).toContain(status);
    }
  });

  test("comparison is over hashes: the stored form is one, and a stranger's token is hashed once, known or not", async () => {
    const digest = vi.spyOn(crypto.subtle, "digest");
    const tokens = ["first-token-0123456789", "second-token-0123456789"] as const;
    const set = await TokenSet.parse("X", tokens.join(","));
    for (const token of [...tokens, "x", "first-token-012345678", "first-token-0123456789x", ""]) {
      digest.mockClear();
      expect(await set.has(token)).toBe(tokens.some((known) => known === token));
      expect(digest.mock.calls).toEqual([["SHA-256", new TextEncoder().encode(token)]]);
    }
    digest.mockRestore();
    const stored = await TokenSet.parse("X", `sha256:${createHash("sha256").update(tokens[0]).digest("hex")}`);
    expect([await stored.has(tokens[0]), await stored.has(tokens[1])]).toEqual([true, false]);
  });

  /**
   * Shows that no part of the comparison takes the longer the more of a token is right: a loop over the characters that
   * stops at the first wrong one would take about as long as the hash, and so double the time. It cannot show what takes
   * less than a quarter of a hash's time, such as a comparison of whole words of memory; hashing is what makes that
   * harmless, because who changes one character changes every byte that is compared.
   */
  test("a token that begins like the right one takes no longer to refuse than one that does not", async () => {
    const right = "r".repeat(65_536);
    const set = await TokenSet.parse("X", right);
    const candidates = { near: `${right.slice(0, -1)}x`, far: `x${right.slice(1)}` };
    const times = { near: [] as number[], far: [] as number[] };
    const sample = async (kind: "near" | "far"): Promise<void> => {
      const begin = performance.now();
      for (let n = 0; n < 5; n++) await set.has(candidates[kind]);
      times[kind].push(performance.now() - begin);
    };
    for (let n = 0; n < 300; n++) {
      // Whoever is second finds warmer caches: they take turns.
      await sample(n % 2 === 0 ? "near" : "far");
      await sample(n % 2 === 0 ? "far" : "near");
    }
    const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
    const ratio = median(times.near) / median(times.far);
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.25);
  });
});

describe("other origins", () => {
  test.each([
    "/agents/Echo/say",
    "/agents/invocations/inv_1",
    "/admin/services",
    "/health",
    "/openapi.json",
    "/restate/discover",
  ])("no preflight is granted on %s", async (target) => {
    const headers = [
      "origin: https://attacker.invalid",
      "access-control-request-method: POST",
      "access-control-request-headers: authorization",
      "access-control-request-private-network: true",
    ];
    for (const method of ["OPTIONS", "GET", "POST"]) {
      const answer = await app.ask(method, target, { headers });
      expect(answer.all).not.toMatch(/^access-control-/im);
    }
  });
});

describe("an app that lets another origin in", () => {
  const friend = "https://friend.example";
  const open = createEdgeApp({
    services: [agents],
    publicServices: [agents],
    cors: { origin: friend, allowMethods: ["POST"], allowHeaders: ["authorization", "content-type"] },
    log: false,
  });
  const preflight = (path: string, origin: string): Response | Promise<Response> =>
    open.request(
      path,
      { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } },
      { AGENT_API_KEYS: AGENT, ADMIN_TOKEN: ADMIN },
    );
  const granted = ({ headers }: Response): readonly string[] =>
    [...headers].filter(([name]) => name.startsWith("access-control-")).map(([name, value]) => `${name}: ${value}`);

  test("allows what it says, to that origin, for the agents API", async () => {
    const answer = await preflight("/agents/Echo/say", friend);
    expect(answer.status).toBe(204);
    expect(granted(answer)).toEqual([
      "access-control-allow-headers: authorization,content-type",
      "access-control-allow-methods: POST",
      `access-control-allow-origin: ${friend}`,
      expect.stringMatching(/^access-control-expose-headers: /),
    ]);
  });

  test.each(["https://attacker.invalid", "null", `${friend}.attacker.invalid`, friend.replace("https", "http")])(
    "does not name %s",
    async (origin) => {
      expect(granted(await preflight("/agents/Echo/say", origin)).join()).not.toContain(origin);
    },
  );

  test.each(["/admin/services", "/health", "/ready", "/openapi.json", "/restate/discover"])(
    "lets nobody to %s",
    async (path) => {
      expect(granted(await preflight(path, friend))).toEqual([]);
    },
  );
});

describe("SQL", () => {
  const NONSENSE = "zzz";
  const payloads = [
    "'",
    "''",
    "zzz' OR '1'='1",
    "zzz' OR 1=1 --",
    "zzz'; DROP TABLE sys_invocation; --",
    "zzz' UNION SELECT id FROM sys_invocation --",
    "zzz') OR (TRUE",
    'zzz" OR "1"="1',
    "zzz\\' OR 1=1 --",
    "zzz%' OR target_service_name LIKE '%",
    "zzz\u02bc OR 1=1",
    "zzz\uff07 OR \uff071\uff07=\uff071",
    "zzz/**/OR/**/1=1",
    "zzz\0' OR 1=1",
    "$1",
    "?",
    "{{zzz}}",
    "1 OR 1=1",
  ];

  /** How a request with `value` as the parameter's is answered. Bodies matter where a list might have grown. */
  async function answerTo({ method, template, body }: Operation, name: string, place: string, value: string) {
    const encoded = encodeURIComponent(value);
    const fill = (_match: string, other: string): string => (place === "path" && other === name ? encoded : NONSENSE);
    const query = place === "query" ? `?${encodeURIComponent(name)}=${encoded}` : "";
    const target = template.replaceAll(/\{(\w+)\}/g, fill) + query;
    const answer = await app.ask(method, target, { token: ADMIN, ...(body === undefined ? {} : { body: {} }) });
    // An answer may repeat what it was asked for.
    const rows = answer.status === 200 ? answer.text.replaceAll(JSON.stringify(value), JSON.stringify(NONSENSE)) : "";
    return { outcome: outcome(answer), rows };
  }

  test("no parameter of the Admin API becomes SQL", async () => {
    const ids = async (): Promise<unknown> => stack.restate.query("SELECT id, target FROM sys_invocation ORDER BY id");
    const before = await ids();
    const admin = operations.filter(({ template }) => template.startsWith("/admin"));
    const tried: string[] = [];
    for (const operation of admin) {
      for (const { name, in: place } of operation.parameters) {
        if (place !== "path" && place !== "query") continue;
        tried.push(`${operation.method} ${operation.template} ${name}`);
        const ask = (value: string): ReturnType<typeof answerTo> => answerTo(operation, name, place, value);
        const [harmless, ...answers] = await Promise.all([NONSENSE, ...payloads].map(ask));
        expect(harmless?.outcome).not.toMatch(/^5(?!01)/);
        for (const [index, answer] of answers.entries()) {
          const where = `${operation.method} ${operation.template}, ${name} = ${payloads[index]}`;
          // Refused, or as empty as the answer to a name that nobody has.
          if (answer.outcome !== "400 invalid-request") expect({ where, ...answer }).toEqual({ where, ...harmless });
        }
      }
    }
    expect(await ids()).toEqual(before);
    console.log(`${tried.length} parameters of ${admin.length} operations, ${payloads.length} payloads each`);
    expect(tried.length).toBeGreaterThan(10);
  });
});
