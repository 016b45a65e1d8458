/** Parameters that would like to be SQL. */
import { describe, expect, test } from "vitest";
import type { Operation } from "../fuzz/operations.ts";
import { ADMIN, app, operations, outcome, stack } from "./lab.ts";

export function sqlTests(): void {
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
      const ids = async (): Promise<unknown> =>
        stack.restate.query("SELECT id, target FROM sys_invocation ORDER BY id");
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
}
