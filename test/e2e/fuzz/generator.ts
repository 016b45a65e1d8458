/** Requests: an honest one for some operation, to which up to three things are done. */
import type { FuzzRequest } from "./fuzz-request.ts";
import { chatPost, mcpMessage } from "./chat-bodies.ts";
import * as hostile from "./hostile.ts";
import type { Operation, Parameter } from "./operations.ts";
import type { Random } from "./random.ts";
import { mutated } from "./schema-value.ts";
import { SECRETS } from "./fuzz-stack.ts";
import { BODY_CANARY, tokenFor, type World } from "./world.ts";

type Change = (random: Random, request: FuzzRequest, world: World) => FuzzRequest;

/** The request number `index` of a seed. */
export function generate(random: Random, world: World): FuzzRequest {
  const operation = random.pick(world.operations);
  let request = honest(random, operation, world);
  const changes = random.pick([0, 1, 1, 1, 2, 2, 3]);
  for (let n = 0; n < changes; n++) request = weighted(random)(random, request, world);
  return { ...request, isWellFormed: request.isWellFormed && ORIGIN_FORM.test(request.target) };
}

/** RFC 9112, section 3.2.1, as far as servers agree on its characters. */
const ORIGIN_FORM = /^\/[\w.~!$&'()*+,;=:@%/?[\]-]*$/;

/** Methods come first: which values may be named depends on them. */
function honest(random: Random, operation: Operation, world: World): FuzzRequest {
  const isOther = random.chance(0.12);
  const method = isOther ? random.pick(hostile.METHODS) : operation.method;
  const path = operation.template.replaceAll(/\{(\w+)(?:\{[^}]*\})?\}/g, (_match, name: string) =>
    encodeURIComponent(world.pathValue(random, operation, name, method)),
  );
  const query = operation.parameters
    .filter((parameter) => parameter.in === "query" && (parameter.required === true || random.chance(0.35)))
    .map((parameter) => `${parameter.name}=${encodeURIComponent(parameterValue(random, parameter, world))}`);
  const hasBody = operation.body !== undefined && method !== "GET" && method !== "HEAD";
  const body = hasBody ? honestBody(random, operation, world) : Buffer.alloc(0);
  return {
    method,
    target: path + (query.length === 0 ? "" : `?${query.join("&")}`),
    headers: [
      ["host", `127.0.0.1:${world.port}`],
      ["authorization", `Bearer ${tokenFor(path)}`],
      ...(body.length === 0 ? [] : [["content-type", "application/json"] as const]),
      ...(path === "/mcp" ? [["accept", "application/json, text/event-stream"] as const] : []),
      ...(path.startsWith("/agents") && method === "POST" && random.chance(0.3)
        ? [["idempotency-key", `key-${random.int(0, 50)}`] as const]
        : []),
    ],
    body,
    framing: "content-length",
    isWellFormed: true,
    operation: isOther || operation.statuses.length === 0 ? undefined : operation,
    notes: [`${method} ${operation.template}`],
  };
}

function honestBody(random: Random, { body = {}, template }: Operation, world: World): Buffer {
  if (template.startsWith("/agents")) {
    return Buffer.from(JSON.stringify(random.pick<unknown>([{ [BODY_CANARY]: 1 }, BODY_CANARY, [1, 2], 3, null])));
  }
  if (template.startsWith("/chat") && template.split("/").length < 5 && random.chance(0.9)) {
    return Buffer.from(JSON.stringify(chatPost(random)));
  }
  if (template === "/mcp") return Buffer.from(JSON.stringify(mcpMessage(random)));
  return Buffer.from(JSON.stringify(world.schemas.make(random, body)));
}

function parameterValue(random: Random, { name, schema = {} }: Parameter, world: World): string {
  const value = world.queryValue(random, name) ?? world.schemas.make(random, schema, name);
  return typeof value === "string" ? value : JSON.stringify(value);
}

const CHANGES: readonly (readonly [weight: number, Change])[] = [
  [14, changeSegment],
  [6, insertSegment],
  [5, encodePath],
  [5, strangePath],
  [14, changeQuery],
  [3, oddMethod],
  [14, addHeaders],
  [18, changeToken],
  [16, changeBody],
  [5, changeContentType],
  [4, changeFraming],
  [3, breakHead],
];
const TOTAL = CHANGES.reduce((sum, [weight]) => sum + weight, 0);

function weighted(random: Random): Change {
  let left = random.next() * TOTAL;
  for (const [weight, change] of CHANGES) if ((left -= weight) < 0) return change;
  return changeSegment;
}

const noted = (request: FuzzRequest, note: string, parts: Partial<FuzzRequest>): FuzzRequest => ({
  ...request,
  operation: undefined,
  ...parts,
  notes: [...request.notes, note],
});

function split(target: string): readonly [path: string, query: string | undefined] {
  const at = target.indexOf("?");
  return at < 0 ? [target, undefined] : [target.slice(0, at), target.slice(at + 1)];
}

const join = (path: string, query: string | undefined): string => (query === undefined ? path : `${path}?${query}`);

function changeSegment(random: Random, request: FuzzRequest): FuzzRequest {
  const [path, query] = split(request.target);
  const segments = path.split("/");
  // The first of them is the mount: mostly left alone, so that a route is reached.
  const at = random.int(random.chance(0.15) ? 1 : Math.min(2, segments.length - 1), segments.length - 1);
  segments[at] = random.pick(hostile.SEGMENTS);
  return noted(request, "segment", { target: join(segments.join("/"), query) });
}

function insertSegment(random: Random, request: FuzzRequest): FuzzRequest {
  const [path, query] = split(request.target);
  const segments = path.split("/");
  const inserted = Array.from({ length: random.int(1, 3) }, () => random.pick(hostile.SEGMENTS));
  segments.splice(random.int(1, segments.length), 0, ...inserted);
  return noted(request, "segments", { target: join(segments.join("/"), query) });
}

/** Percent-encodes characters that need none, once or twice. */
function encodePath(random: Random, request: FuzzRequest): FuzzRequest {
  const [path, query] = split(request.target);
  const encode = (character: string): string => {
    const once = `%${character.charCodeAt(0).toString(16)}`;
    return random.chance(0.3) ? once.replace("%", "%25") : once;
  };
  const target = path
    .slice(1)
    .replaceAll(/[\w/.-]/g, (character) => (random.chance(0.15) ? encode(character) : character));
  return noted(request, "encoded", { target: join(`/${target}`, query) });
}

function strangePath(random: Random, request: FuzzRequest, world: World): FuzzRequest {
  const path = random.pick([
    () => `/${random.text("abcdefg/._-%", random.int(1, 60))}`,
    () => `//${request.target}`,
    () => `/\\..${request.target}`,
    () => `http://127.0.0.1:${world.port}${request.target}`,
    () => `http://attacker.invalid${request.target}`,
    () => `${request.target}#fragment`,
    () => `${request.target}/`,
    () => request.target.toUpperCase(),
    () => `/${"a/".repeat(2_000)}`,
    () => `/${"%2e%2e/".repeat(200)}etc/passwd`,
    () => "/.git/config",
    () => "/.dev.vars",
    () => "/admin/../restate/discover",
    () => "/agents/..%2f..%2fadmin/deployments",
    () => "*",
    () => "",
  ])();
  return noted(request, "path", { target: path, isWellFormed: request.isWellFormed && path.startsWith("/") });
}

function changeQuery(random: Random, request: FuzzRequest): FuzzRequest {
  const [path, query = ""] = split(request.target);
  const parameters = query === "" ? [] : query.split("&");
  const at = random.int(0, Math.max(0, parameters.length - 1));
  const name = parameters[at]?.split("=")[0] ?? random.pick(hostile.QUERY_NAMES);
  const value = random.pick(hostile.QUERY_VALUES);
  const changed = random.pick([
    () => [...parameters, `${random.pick(hostile.QUERY_NAMES)}=${value}`],
    () => parameters.with(at, `${name}=${value}`),
    () => [...parameters, ...parameters, `${name}=${value}`],
    () => [...parameters, `${name}[]=${value}`],
    () => [...parameters, ...Array.from({ length: 300 }, (_, n) => `p${n}=${n}`)],
    () => [value],
  ]);
  const next = parameters.length === 0 ? [`${name}=${value}`] : changed();
  return noted(request, "query", { operation: request.operation, target: join(path, next.join("&")) });
}

function oddMethod(random: Random, request: FuzzRequest): FuzzRequest {
  return noted(request, "method", { method: random.pick(hostile.ODD_METHODS), isWellFormed: false });
}

function addHeaders(random: Random, request: FuzzRequest): FuzzRequest {
  const added = Array.from({ length: random.int(1, 4) }, () => random.pick(hostile.HEADERS));
  const twice = random.chance(0.2) ? [...added, ...added] : added;
  // `expect` and `connection` mean something to the runtime; two hosts are no HTTP.
  const isOdd = twice.some(([name]) => ["host", "expect", "connection", "upgrade", "te"].includes(name));
  return noted(request, `headers ${added.map(([name]) => name.slice(0, 30)).join(",")}`, {
    headers: [...request.headers, ...twice],
    isWellFormed: request.isWellFormed && !isOdd,
  });
}

function changeToken(random: Random, request: FuzzRequest): FuzzRequest {
  const others = request.headers.filter(([name]) => name !== "authorization");
  const right = request.headers.find(([name]) => name === "authorization")?.[1] ?? "Bearer none";
  const token = right.replace(/^Bearer /, "");
  const value = random.pick<readonly string[]>([
    [],
    ["Bearer"],
    ["Bearer "],
    [`bearer ${token}`],
    [`BEARER   ${token}  `],
    [`Bearer ${token}x`],
    [`Bearer ${token.slice(0, -1)}`],
    [`Bearer ${token} ${token}`],
    [`Bearer ${token},${token}`],
    [token],
    [`Basic ${Buffer.from(`admin:${token}`).toString("base64")}`],
    [`Bearer ${SECRETS.RESTATE_AUTH_TOKEN}`],
    [`Bearer ${SECRETS.ADMIN_TOKEN}`],
    [`Bearer ${SECRETS.AGENT_API_KEYS}`],
    ["Bearer ' OR '1'='1"],
    [`Bearer ${"a".repeat(8_000)}`],
    ["Bearer \u00ff\u00fe"],
    [right, "Bearer wrong-token-wrong-token"],
    ["Bearer wrong-token-wrong-token", right],
  ]);
  const [path, query] = split(request.target);
  const inQuery = random.chance(0.15)
    ? `${random.pick(["access_token", "token", "api_key", "Token", "access_token[]"])}=${token}`
    : undefined;
  return noted(request, "token", {
    operation: request.operation,
    headers: [...others, ...value.map((line) => ["authorization", line] as const)],
    target: join(path, [query, inQuery].filter((part) => part !== undefined).join("&") || undefined),
  });
}

function changeBody(random: Random, request: FuzzRequest): FuzzRequest {
  const parsed = parse(request.body);
  const body = random.pick([
    () => (parsed === undefined ? random.pick(hostile.BODIES) : Buffer.from(JSON.stringify(mutated(random, parsed)))),
    () => (parsed === undefined ? random.pick(hostile.BODIES) : Buffer.from(JSON.stringify(mutated(random, parsed)))),
    () => random.pick(hostile.BODIES),
    () => random.pick(hostile.RAW_BODIES),
    () => request.body.subarray(0, random.int(0, request.body.length)),
    () => random.bytes(random.int(1, 200)),
  ])();
  const hasType = request.headers.some(([name]) => name === "content-type");
  const headers = hasType ? request.headers : [...request.headers, ["content-type", "application/json"] as const];
  return noted(request, "body", { operation: request.operation, body, headers });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return undefined;
  }
}

function changeContentType(random: Random, request: FuzzRequest): FuzzRequest {
  const others = request.headers.filter(([name]) => name !== "content-type");
  const types = Array.from({ length: random.int(0, 2) }, () => random.pick(hostile.CONTENT_TYPES));
  return noted(request, "content-type", {
    operation: request.operation,
    headers: [...others, ...types.map((type) => ["content-type", type] as const)],
  });
}

function changeFraming(random: Random, request: FuzzRequest): FuzzRequest {
  const framing = random.pick(["chunked", "chunked", "truncated"] as const);
  return noted(request, framing, { framing, isWellFormed: request.isWellFormed && framing !== "truncated" });
}

function breakHead(random: Random, request: FuzzRequest): FuzzRequest {
  return noted(request, "garbage", { garbage: random.pick(hostile.GARBAGE), isWellFormed: false });
}
