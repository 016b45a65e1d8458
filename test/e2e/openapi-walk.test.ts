/** Walks the app's OpenAPI document and calls each operation, on a real Restate: what is described is what is done. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Caller } from "./openapi/caller.ts";
import { type Operation, type OpenApiDocument, operationsOf, readDocument } from "./openapi/document.ts";
import { type Arguments, WalkWorld } from "./openapi/walk-world.ts";

let world: WalkWorld;
let document: OpenApiDocument;
let caller: Caller;
let operations: readonly Operation[];

beforeAll(async () => {
  world = await WalkWorld.start();
  document = readDocument(await (await fetch(`${world.url}/openapi.json`)).json());
  operations = operationsOf(document);
  caller = new Caller(document, world.url);
});
afterAll(() => world.stop());

/** The token that an operation asks for. */
function tokenOf({ security = [], path }: Operation): Readonly<Record<string, string>> {
  return security.length === 0 ? {} : world.authorization(path);
}

/** What an operation is called with. One that takes nothing, or nothing that it needs, is called with nothing. */
async function argumentsOf({ operationId, parameters = [], requestBody }: Operation): Promise<Arguments> {
  const prepare = world.valid[operationId];
  if (prepare !== undefined) return prepare();
  if (parameters.some(({ required }) => required === true) || requestBody !== undefined) {
    throw new Error(`The walk does not know how to call ${operationId}: add it to openapi/walk-world.ts`);
  }
  return {};
}

test("every operation does what the document says, called rightly, wrongly and without a token", async () => {
  const counts = { operations: 0, right: 0, wrong: 0, unknown: 0, "without a token": 0 };
  const problems: string[] = [];
  const check = async (what: string, work: () => Promise<void>): Promise<void> => {
    await work().catch((error: unknown) => problems.push(`${what}: ${String(error)}`));
  };
  for (const operation of operations) {
    counts.operations += 1;
    const token = tokenOf(operation);
    let valid: Arguments = {};
    await check("right", async () => {
      valid = await argumentsOf(operation);
      const { status, body } = await caller.call(operation, { ...valid, headers: { ...valid.headers, ...token } });
      if (status >= 300) throw new Error(`${operation.operationId} answered ${status}: ${JSON.stringify(body)}`);
      counts.right += 1;
    });
    await check("wrong", async () => {
      const spoilt = caller.spoilt(operation, valid);
      const { status, body } = await caller.call(operation, { ...spoilt, headers: token });
      expect([operation.operationId, status, body]).toEqual([operation.operationId, 400, body]);
      counts.wrong += 1;
    });
    await check("unknown", async () => {
      const unknown = caller.unknown(operation, valid);
      if (unknown === undefined) return;
      const { status } = await caller.call(operation, { ...unknown, headers: { ...valid.headers, ...token } });
      if (status >= 500) throw new Error(`${operation.operationId} answered ${status}`);
      counts.unknown += 1;
    });
    await check("without a token", async () => {
      if (operation.security === undefined) return;
      const { status } = await caller.call(operation, valid);
      expect([operation.operationId, status]).toEqual([operation.operationId, 401]);
      counts["without a token"] += 1;
    });
  }
  console.log(`OpenAPI walk: ${JSON.stringify(counts)}, ${caller.calls} calls`);
  expect(problems).toEqual([]);
  expect([counts.right, counts.wrong]).toEqual([operations.length, operations.length]);
  const known = new Set(operations.map(({ operationId }) => operationId));
  expect(Object.keys(world.valid).filter((id) => !known.has(id))).toEqual([]);
});
