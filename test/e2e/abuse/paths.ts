/** Detours past a gate, to another handler, and to the Restate endpoint. */
import { describe, expect, test } from "vitest";
import { SECRETS } from "../fuzz/fuzz-stack.ts";
import { ADMIN, AGENT, app, outcome, seenBy, stack } from "./lab.ts";

export function pathsTests(): void {
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
        for (const target of [
          "/agents/Internal/say",
          "/agents/Sacrifice/run",
          "/agents/Nope/say",
          "/agents/Echo/nope",
        ]) {
          const { status, code, text } = await app.ask("POST", target, { token: AGENT, body: 1 });
          const [, service, handler] = target.split("/").slice(1);
          expect([status, code, text.includes(`${service}/${handler}`)]).toEqual([404, "not-found", true]);
        }
      });
      expect(seen).toEqual([]);
    });
  });
}
