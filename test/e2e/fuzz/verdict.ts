/** What every answer has to be, whatever was asked. */
import { PROBLEM_CODES } from "../../../routes/index.ts";
import type { FuzzRequest } from "./fuzz-request.ts";
import { header, type Outcome, type RawAnswer } from "./raw-http.ts";

/** What is judged with. */
export interface Rules {
  /** Values that may be nowhere in an answer, by their names. */
  readonly canaries: Readonly<Record<string, string>>;
  /** Problems of 500 and above that may be met, by status. */
  readonly allowed: ReadonlyMap<number, string>;
}

/** A judged outcome. */
export interface Verdict {
  /** Such as `200`, `404 not-found`, `runtime 400` or `closed`. */
  readonly label: string;
  /** What is wrong; empty: nothing. */
  readonly faults: readonly string[];
}

const STACK = /\n\s+at |\bat \S+ \(|node_modules|file:\/\/|\/tmp\/|\.(?:m?[jt]s):\d+/;
const REQUEST_ID = /^[\w.=:-]{8,128}$/;

/** What stands before every route: the URL's encoding, and the body's time, length and type. */
const BOUNDS: ReadonlySet<number> = new Set([400, 408, 413, 415]);

export function judge(request: FuzzRequest, outcome: Outcome, rules: Rules): Verdict {
  if (outcome.kind === "timeout") return { label: "timeout", faults: ["no answer in time"] };
  if (outcome.kind === "closed") {
    return { label: "closed", faults: request.isWellFormed ? ["the connection ended without an answer"] : [] };
  }
  const { answer } = outcome;
  const leaks = leaksOf(answer, rules.canaries);
  if (isOfRuntime(answer))
    return { label: `runtime ${answer.status}`, faults: [...leaks, ...runtimeFaults(request, answer)] };
  const code = codeOf(answer);
  const label = code === undefined ? String(answer.status) : `${answer.status} ${code}`;
  return {
    label,
    faults: [...leaks, ...formFaults(request, answer, code), ...statusFaults(request, answer, code, rules)],
  };
}

/** The HTTP server of workerd refuses what is no HTTP itself, in plain text; nothing of the app has seen the request. */
function isOfRuntime(answer: RawAnswer): boolean {
  const names = new Set(answer.headers.map(([name]) => name));
  return answer.status >= 400 && !names.has("x-request-id") && !names.has("cache-control");
}

function runtimeFaults(request: FuzzRequest, { status, body }: RawAnswer): string[] {
  const text = body.toString("latin1");
  if (request.isWellFormed) return [`the runtime refused a well-formed request: ${status} ${text}`];
  // A Worker has no `connect()` of its own.
  const isKnown = status < 500 || status === 501 || request.method === "CONNECT";
  return isKnown && text.length < 100 ? [] : [`the runtime answers ${status} ${text}`];
}

function codeOf(answer: RawAnswer): string | undefined {
  if (header(answer, "content-type") !== "application/problem+json") return undefined;
  try {
    const { code } = JSON.parse(answer.body.toString()) as { readonly code?: unknown };
    return typeof code === "string" ? code : "without a code";
  } catch {
    return undefined;
  }
}

function leaksOf(answer: RawAnswer, canaries: Rules["canaries"]): string[] {
  const text = `${answer.headers.map((line) => line.join(": ")).join("\n")}\n${answer.body.toString("latin1")}`;
  const leaks = Object.entries(canaries).flatMap(([name, value]) => (text.includes(value) ? [`leaks ${name}`] : []));
  const stack = STACK.exec(text)?.[0];
  return stack === undefined ? leaks : [...leaks, `tells of its inside: ${JSON.stringify(stack)}`];
}

/** The MCP server refuses in its own protocol what is none of its messages. */
function isRpcError(answer: RawAnswer): boolean {
  const { error } = (jsonOf(answer) ?? {}) as { readonly error?: { readonly code?: unknown } };
  return answer.status < 500 && typeof error?.code === "number";
}

function jsonOf({ body }: RawAnswer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return undefined;
  }
}

const isMcp = ({ notes }: FuzzRequest): boolean => notes[0]?.endsWith(" /mcp") === true;

/** A stream comes to its end, and tells of no failure that is not the caller's own. */
function streamFaults(request: FuzzRequest, { status, body }: RawAnswer): string[] {
  if (status !== 200) return [`streams with status ${status}`];
  if (isMcp(request) || request.method === "HEAD") return [];
  const text = body.toString();
  return [
    ...(text.includes("data: [DONE]") ? [] : ["the stream has no end"]),
    ...(text.includes("An error occurred.") ? ["the turn failed"] : []),
  ];
}

function formFaults(request: FuzzRequest, answer: RawAnswer, code: string | undefined): string[] {
  const { method } = request;
  const faults: string[] = [];
  const type = header(answer, "content-type");
  const hasBody = answer.body.length > 0;
  if (!REQUEST_ID.test(header(answer, "x-request-id") ?? "")) faults.push("has no x-request-id");
  if (answer.headers.some(([name]) => name === "x-injected")) faults.push("has an injected header");
  if (type === "text/event-stream") return [...faults, ...streamFaults(request, answer)];
  if (isMcp(request) && isRpcError(answer)) return faults;
  // A link is opened in a browser, which gets a page.
  if (type?.startsWith("text/html") === true && request.notes[0]?.endsWith("/link") === true) return faults;
  if (answer.status >= 400 && type !== "application/problem+json") faults.push(`is no problem+json: ${type}`);
  if (hasBody && !/^application\/([\w.+-]+\+)?json\b/.test(type ?? "")) faults.push(`is no JSON: ${type}`);
  if (answer.status < 400 || method === "HEAD") return faults;
  if (code === undefined || !Object.hasOwn(PROBLEM_CODES, code)) faults.push(`has no known code: ${code}`);
  const { status } = (code === undefined ? {} : JSON.parse(answer.body.toString())) as { readonly status?: unknown };
  if (status !== answer.status) faults.push(`says status ${String(status)}, is ${answer.status}`);
  return faults;
}

function statusFaults(
  request: FuzzRequest,
  { status }: RawAnswer,
  code: string | undefined,
  { allowed }: Rules,
): string[] {
  const { operation, method } = request;
  const expected = allowed.get(status);
  const isAllowed = expected !== undefined && (method === "HEAD" || code === expected);
  const isDocumented =
    operation === undefined || method === "HEAD" || BOUNDS.has(status) || operation.statuses.includes(String(status));
  return [
    ...(status < 500 || isAllowed ? [] : [`answers ${status} ${code ?? ""}`.trim()]),
    ...(isDocumented ? [] : [`answers ${status} ${code ?? ""}, which is not documented`]),
  ];
}
