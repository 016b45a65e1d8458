/** Readable requests of the abuse tests, sent as they are written: `fetch` would tidy them up. */
import { exchange, type ExchangeOptions, header, type RawAnswer } from "./raw-http.ts";

/** A request. */
export interface Ask extends ExchangeOptions {
  readonly token?: string | undefined;
  /** Lines such as `x-request-id: 1`, sent as they are. */
  readonly headers?: readonly string[];
  /** Sent as JSON when it is no text and no bytes. */
  readonly body?: unknown;
  /** Default for bodies: `application/json`; null: none. */
  readonly contentType?: string | null;
}

/** An answer. */
export interface Told {
  readonly status: number;
  /** Code of the problem; undefined when it is none. */
  readonly code: string | undefined;
  /** The whole answer, its headers too. */
  readonly all: string;
  readonly text: string;
  readonly json: unknown;
  readonly ms: number;
  header(name: string): string | undefined;
}

/** Asks the app on a loopback port. */
export class Asker {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  /** @throws Error when the connection ends without an answer, or none comes in time. */
  async ask(method: string, target: string, options: Ask = {}): Promise<Told> {
    const { token, headers = [], body, contentType = "application/json" } = options;
    const bytes = body === undefined ? undefined : bytesOf(body);
    const lines = [
      `${method} ${target} HTTP/1.1`,
      `host: 127.0.0.1:${this.#port}`,
      ...(token === undefined ? [] : [`authorization: Bearer ${token}`]),
      ...(bytes === undefined || contentType === null ? [] : [`content-type: ${contentType}`]),
      ...(bytes === undefined ? [] : [`content-length: ${bytes.length}`]),
      ...headers,
    ];
    return this.raw(
      [Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), ...(bytes === undefined ? [] : [bytes])],
      options,
    );
  }

  /** Sends bytes as they are. The errors are those of `ask()`. */
  async raw(parts: readonly (string | Buffer)[], options: ExchangeOptions = {}): Promise<Told> {
    const outcome = await exchange(this.#port, parts, options);
    if (outcome.kind === "answer") return told(outcome.answer);
    throw new Error(`No answer: ${outcome.kind} after ${JSON.stringify(outcome.received)}`);
  }
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

function told(answer: RawAnswer): Told {
  const text = answer.body.toString();
  const json = parse(text);
  const { code } = (typeof json === "object" && json !== null ? json : {}) as { readonly code?: unknown };
  const isProblem = header(answer, "content-type") === "application/problem+json";
  return {
    status: answer.status,
    code: isProblem && typeof code === "string" ? code : undefined,
    all: `${answer.headers.map((line) => line.join(": ")).join("\n")}\n\n${text}`,
    text,
    json,
    ms: answer.ms,
    header: (name) => header(answer, name),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
