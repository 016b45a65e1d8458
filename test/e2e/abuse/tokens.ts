/** Tokens in the wrong place, wrong ones, and how they are compared. */
import { createHash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { TokenSet } from "../../../routes/auth.ts";
import { SECRETS } from "../fuzz/fuzz-stack.ts";
import { ADMIN, AGENT, app, outcome, stack } from "./lab.ts";

export function tokensTests(): void {
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
}
