import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { ADMIN_OPERATIONS } from "../../src/admin/operations.ts";
import { type RestateTestServer, startRestate } from "../../src/testing/restate-server.ts";
import { type Document, drift, type Operations } from "./openapi-drift.ts";

/** What the client leaves out, and why. */
const ABSENT: Readonly<Record<string, string>> = {
  "DELETE /invocations/{invocation_id}": "deprecated: cancel, kill and purge have operations of their own",
  "POST /query": "AdminHttp.query() sends it, with the answer's rows in the shape of each query",
};

const operations: Operations = Object.fromEntries(
  Object.entries(ADMIN_OPERATIONS).flatMap(([group, members]) =>
    Object.entries(members).map(([name, operation]) => [`${group}.${name}`, operation]),
  ),
);

let restate: RestateTestServer;
let document: Document;
const found = (ours: Operations, theirs: Document = document): string[] => drift(ours, theirs, Object.keys(ABSENT));

beforeAll(async () => {
  restate = await startRestate();
  document = (await (await fetch(`${restate.adminUrl}/openapi`)).json()) as Document;
});
afterAll(() => restate.stop());

test("the client knows every operation, parameter and property of the server's Admin API, and no other", () => {
  expect(document.info.version).toMatch(/^1\.7\./);
  expect(found(operations)).toEqual([]);
  expect(Object.keys(operations)).toHaveLength(35);
});

describe("drift is seen", () => {
  test("of an operation", () => {
    const { "deployments.remove": removed, ...others } = operations;
    expect(found(others)).toEqual([`DELETE ${removed?.path}: the client has it not`]);
    expect(found({ ...operations, made: { method: "PUT", path: "/deployments/{deployment}" } })).toEqual([
      "PUT /deployments/{deployment}: the server has it not",
    ]);
    expect(drift(operations, document, [...Object.keys(ABSENT), "DELETE /services/{service}"])).toEqual([
      "DELETE /services/{service}: listed as absent, the server has it not",
    ]);
  });

  test("of a query parameter", () => {
    const { query: _query, ...remove } = operations["kafkaClusters.remove"] ?? expect.fail();
    expect(found({ ...operations, "kafkaClusters.remove": remove })).toEqual([
      "DELETE /kafka-clusters/{cluster_name}: the client does not know query parameter force",
    ]);
    expect(found({ ...operations, "kafkaClusters.remove": { ...remove, query: ["force", "dryRun"] } })).toEqual([
      "DELETE /kafka-clusters/{cluster_name}: the server does not know query parameter dry_run",
    ]);
  });

  test("of a property of a request or an answer", () => {
    const create = operations["subscriptions.create"] ?? expect.fail();
    const request = { ...create, body: z.object({ source: z.string(), sink: z.string(), optionen: z.string() }) };
    expect(found({ ...operations, "subscriptions.create": request })).toEqual([
      "POST /subscriptions: the server does not know request.optionen",
      "POST /subscriptions: the client does not know request.options",
    ]);
    const answer = { ...create, answer: z.object({ id: z.number(), source: z.string(), createdAt: z.string() }) };
    expect(found({ ...operations, "subscriptions.create": answer })).toEqual([
      "POST /subscriptions: answer.id is number for the client, string for the server",
      "POST /subscriptions: the server does not know answer.created_at",
      "POST /subscriptions: the client does not know answer.options",
      "POST /subscriptions: the client does not know answer.sink",
    ]);
  });

  test("of what is required, deep inside", () => {
    const text = JSON.stringify(document);
    const withoutName = text.replaceAll('"required":["name","revision"]', '"required":["revision"]');
    expect(withoutName).not.toBe(text);
    expect(found(operations, JSON.parse(withoutName) as Document)).toEqual([
      "GET /deployments: answer.deployments[].services[].name is required, but may be absent",
    ]);
  });
});
