import type { MiddlewareHandler } from "hono";
import { MAX_INPUT_LEVELS } from "../src/journal/input-depth.ts";
import { isDeeperThan } from "./json-depth.ts";
import { HttpProblem } from "./problem.ts";

/** Bounds of a request's body. */
export interface BodyLimits {
  /** Most bytes. Above it the answer is 413. */
  readonly maxBytes: number;
  /** Longest time that the body may take to arrive, in milliseconds. After it the answer is 408. */
  readonly timeoutMs: number;
  /** Most levels of arrays and objects. Default 400: more than that is no input of a handler. */
  readonly maxLevels?: number;
}

const METHODS_WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Reads a request's body within bounds before a route sees it, so that no route waits for a slow sender or holds more
 * than it should. A body must be JSON by its content type, not compressed, UTF-8 (what one decoder replaces another
 * one drops, and then two see different texts), and nested by no more levels than `maxLevels`.
 *
 * The errors are `body-too-large` (413), `body-timeout` (408), `unsupported-media-type` (415), `malformed-json` (400) and,
 * for one that is nested too deeply, `invalid-request` (400).
 */
export function limitedJson({ maxBytes, timeoutMs, maxLevels = MAX_INPUT_LEVELS }: BodyLimits): MiddlewareHandler {
  return async (context, next) => {
    const { raw } = context.req;
    if (raw.body === null || METHODS_WITHOUT_BODY.has(raw.method)) return next();
    const announced = Number(raw.headers.get("content-length") ?? 0);
    if (announced > maxBytes) throw tooLarge(maxBytes);
    const body = await readWithin(raw.body, maxBytes, timeoutMs);
    if (body.size > 0) {
      if (!isJson(raw.headers.get("content-type"))) {
        throw new HttpProblem("unsupported-media-type", 415, "Send JSON, with content-type: application/json");
      }
      if (!/^(identity)?$/i.test(raw.headers.get("content-encoding") ?? "")) {
        throw new HttpProblem("unsupported-media-type", 415, "Send JSON as it is, without content-encoding");
      }
      await checkText(body, maxLevels);
    }
    const { url, method, signal } = raw;
    const headers = new Headers(raw.headers);
    // Routes recognize fewer ways to write it than are accepted here.
    if (body.size > 0) headers.set("content-type", "application/json");
    context.req.raw = new Request(url, { method, headers, signal, ...(body.size === 0 ? {} : { body }) });
    return next();
  };
}

function isJson(contentType: string | null): boolean {
  return /^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(contentType ?? "");
}

/** Reads a body to its end. The errors are `body-too-large` (413), `body-timeout` (408) and `invalid-request` (400). */
export async function readWithin(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  timeoutMs: number,
): Promise<Blob> {
  const reader = stream.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new HttpProblem("body-timeout", 408, `The body did not arrive within ${timeoutMs} ms`));
    }, timeoutMs);
  });
  try {
    for (let length = 0; ;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return new Blob(chunks);
      length += value.length;
      if (length > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value as Uint8Array<ArrayBuffer>);
    }
  } catch (error) {
    // Not awaited: a sender that is stuck would hold the answer back.
    reader.cancel(error).catch(() => undefined);
    if (error instanceof HttpProblem) throw error;
    throw new HttpProblem("invalid-request", 400, "The body broke off", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function checkText(body: Blob, maxLevels: number): Promise<void> {
  const bytes = new Uint8Array(await body.arrayBuffer());
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new HttpProblem("malformed-json", 400, "The body is not UTF-8", { cause: error });
  }
  if (isDeeperThan(maxLevels, bytes)) {
    throw new HttpProblem("invalid-request", 400, `The body is invalid: it has more than ${maxLevels} levels`);
  }
}

function tooLarge(maxBytes: number): HttpProblem {
  return new HttpProblem("body-too-large", 413, `The body may have ${maxBytes} bytes`);
}
