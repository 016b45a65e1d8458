/** What is sent as a body: slow, large, malformed, of another type. */
import { describe, expect, test } from "vitest";
import type { Told } from "../fuzz/ask.ts";
import { ADMIN, AGENT, app, outcome, seenBy } from "./lab.ts";

/** How long a body may take, in milliseconds, and what the machine may add. */
const BODY_TIMEOUT_MS = 10_000;
const SLACK_MS = 3_000;
const MIB = 1024 * 1024;

export function bodiesTests(): void {
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

    const depth = 400_000;
    test.each([
      ["arrays", "[".repeat(depth) + "]".repeat(depth)],
      ["objects", `${'{"a":'.repeat(150_000)}1${"}".repeat(150_000)}`],
    ])("a state with a value of deeply nested %s is refused", async (_what, bomb) => {
      const seen = await seenBy(async () => {
        const body = `{"values":{"a":{"json":${bomb}}}}`;
        const answer = await app.ask("PUT", "/admin/state/Keyed/bomb", { token: ADMIN, body, timeoutMs: 5_000 });
        expect(outcome(answer)).toBe("400 invalid-request");
      });
      expect(seen).toEqual([]);
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
}
