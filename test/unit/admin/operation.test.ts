import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { AdminClient } from "../../../src/admin/admin-client.ts";
import { AdminHttp } from "../../../src/admin/admin-http.ts";
import { ask, command, type Operation } from "../../../src/admin/operation.ts";
import { fromWire, ourName, theirName, toWire } from "../../../src/admin/wire.ts";

const upstream = vi.fn<typeof fetch>();
const url = "http://restate.test:9070";
const http = () => {
  vi.stubGlobal("fetch", upstream);
  return new AdminHttp({ url });
};
/** What was sent: method, path and body. */
const sent = (): readonly unknown[] =>
  upstream.mock.calls.map(([address, init]) => [init?.method, addressOf(address).slice(url.length), init?.body]);

function addressOf(address: Parameters<typeof fetch>[0]): string {
  return typeof address === "string" ? address : expect.fail("not a string");
}

afterEach(() => {
  vi.unstubAllGlobals();
  upstream.mockReset();
});

test.each([
  ["created_at", "createdAt"],
  ["max_admin_api_version", "maxAdminApiVersion"],
  ["uri", "uri"],
  ["use_http_11", "http11"],
  ["additional_headers", "headers"],
  ["GoogleIdToken", "googleIdToken"],
  ["last_modified_millis_since_epoch", "lastModifiedMs"],
])("%s is %s, and back", (theirs, ours) => {
  expect(ourName(theirs)).toBe(ours);
  expect(theirName(ours)).toBe(theirs);
});

test("ty is type in answers; type stays type in requests", () => {
  expect(fromWire({ ty: "Service" })).toEqual({ type: "Service" });
  expect(toWire({ precondition: { type: "none" } })).toEqual({ precondition: { type: "none" } });
});

test("what users named is not translated, what is null is absent", () => {
  const metadata = { git_sha: "1", camelCase: "2", ty: "3", __proto__: null };
  expect(fromWire({ metadata, sdk_version: null, handlers: [{ input_json_schema: { a_b: null } }] })).toEqual({
    metadata,
    handlers: [{ inputJsonSchema: { a_b: null } }],
  });
  expect(toWire({ headers: { "x-myKey": "1" }, dryRun: undefined, http11: false })).toEqual({
    additional_headers: { "x-myKey": "1" },
    use_http_11: false,
  });
});

test("a name such as __proto__ stays a name", () => {
  const read = fromWire(JSON.parse('{"__proto__": {"is_admin": true}}')) as Record<string, unknown>;
  expect(Object.keys(read)).toEqual(["_Proto__"]);
  expect(read["isAdmin"]).toBeUndefined();
});

const operation: Operation<{ readonly newName: string }, { readonly dryRun: boolean }, "includeAll" | "from"> = {
  method: "POST",
  path: "/things/{thing}/parts/{part}",
  query: ["includeAll", "from"],
  body: z.object({ dryRun: z.boolean() }),
  answer: z.object({ newName: z.string() }),
};

test("an operation's places, query and body are encoded in Restate's names", async () => {
  upstream.mockResolvedValue(Response.json({ new_name: "b", more: 1 }));
  const params = ["a/b c", "%2e?#&"];
  const answer = await ask(http(), operation, { params, query: { includeAll: true }, body: { dryRun: true } });
  expect(answer).toEqual({ newName: "b" });
  expect(sent()).toEqual([["POST", "/things/a%2Fb%20c/parts/%252e%3F%23%26?include_all=true", '{"dry_run":true}']]);
});

test.each(["", ".", ".."])("the name %j would lead to another operation and is never sent", async (name) => {
  const call = ask(http(), operation, { params: ["a", name] });
  await expect(call).rejects.toThrow(/^Cannot call \/things\/\{thing\}\/parts\/\{part\}: ".*" is no name$/);
  await expect(command(http(), { method: "DELETE", path: "/things/{thing}" }, { params: [] })).rejects.toThrow(
    /is no name$/,
  );
  expect(upstream).not.toHaveBeenCalled();
});

test("register() always says force, because its default differs between servers", async () => {
  upstream.mockImplementation(() => Promise.resolve(Response.json({ id: "dp_1", services: [] })));
  vi.stubGlobal("fetch", upstream);
  const { deployments } = new AdminClient({ url });
  const uri = "https://v1.example.com";
  await deployments.register({ uri });
  await deployments.register({ uri, force: true, breaking: true, dryRun: true, http11: true, metadata: { a: "b" } });
  await deployments.register({
    arn: "arn:aws:lambda:eu-central-1:1:function:f:1",
    assumeRoleArn: "arn:aws:iam::1:role/r",
  });
  expect(sent().map((call) => JSON.parse(String((call as unknown[])[2])) as unknown)).toEqual([
    { uri, force: false },
    { uri, force: true, breaking: true, dry_run: true, use_http_11: true, metadata: { a: "b" } },
    { arn: "arn:aws:lambda:eu-central-1:1:function:f:1", assume_role_arn: "arn:aws:iam::1:role/r", force: false },
  ]);
});

test("drained() counts what is pinned and what is latest", async () => {
  vi.stubGlobal("fetch", upstream);
  const service = { ty: "Service", handlers: [], revision: 1 };
  const services = [
    { ...service, name: "B", deployment_id: "dp_1" },
    { ...service, name: "A", deployment_id: "dp_1" },
    { ...service, name: "C", deployment_id: "dp_2" },
  ];
  upstream.mockImplementation((address) =>
    Promise.resolve(Response.json(addressOf(address).endsWith("/query") ? { rows: [{ count: 0 }] } : { services })),
  );
  const { deployments } = new AdminClient({ url });
  expect(await deployments.drained("dp_1")).toEqual({ pinnedInvocations: 0, latestOf: ["A", "B"], drained: false });
  expect(await deployments.drained("dp_3")).toEqual({ pinnedInvocations: 0, latestOf: [], drained: true });
  await deployments.drained("dp_1' OR '1'='1");
  expect(JSON.stringify(sent())).toContain("pinned_deployment_id = 'dp_1'' OR ''1''=''1'");
});
