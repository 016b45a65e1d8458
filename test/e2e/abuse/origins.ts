/** Pages of other origins. */
import { describe, expect, test } from "vitest";
import { createEdgeApp } from "../../../routes/index.ts";
import { type Context, service } from "../../../src/index.ts";
import { ADMIN, AGENT, app } from "./lab.ts";

const agents = service({ name: "Echo", handlers: { say: async (_ctx: Context, input: unknown) => input } });

export function originsTests(): void {
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
}
