/** Headers that would reach Restate or the answer, and requests in requests. */
import { describe, expect, test } from "vitest";
import type { Told } from "../fuzz/ask.ts";
import { SECRETS } from "../fuzz/fuzz-stack.ts";
import { exchange } from "../fuzz/raw-http.ts";
import { ADMIN, AGENT, app, outcome, seenBy, stack } from "./lab.ts";

export function headersTests(): void {
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

    test("the key of an object writes no line into the Worker's log", async () => {
      const answer = await call([], "/agents/Keyed/a%0d%0aFORGED%1b[31m/say");
      expect(answer.status).toBe(200);
      await expect.poll(() => stack.worker.log).toContain("[restate][Keyed/say]");
      expect(stack.worker.log).not.toContain("FORGED");
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
}
