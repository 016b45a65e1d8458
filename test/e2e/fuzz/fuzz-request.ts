/** One generated request, as parts that can be changed, left out, and sent as bytes. */

import type { Operation } from "./operations.ts";

/** How the body is announced and sent. */
export type Framing =
  | "content-length"
  /** In chunks of some bytes. */
  | "chunked"
  /** The announced length is longer than what is sent before the sender ends its side. */
  | "truncated";

/** A request. Nothing is normalised: what stands here goes over the wire. */
export interface FuzzRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Empty: none is sent, and none is announced. */
  readonly body: Buffer;
  readonly framing: Framing;
  /** Bytes that replace the head's usual end; for what is no HTTP. */
  readonly garbage?: string;
  /** False when the runtime may refuse it before the app sees it. */
  readonly isWellFormed: boolean;
  /** While it is an honest request of a documented operation: its answers must be documented too. */
  readonly operation?: Operation | undefined;
  /** What was done to it, for the report. */
  readonly notes: readonly string[];
}

/** The request's bytes. */
export function serialize(request: FuzzRequest): Buffer {
  const { method, target, headers, body, framing, garbage = "" } = request;
  const lines = [`${method} ${target} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  if (framing === "chunked") lines.push("transfer-encoding: chunked");
  else if (framing === "truncated") lines.push(`content-length: ${body.length + 7}`);
  else if (body.length > 0) lines.push(`content-length: ${body.length}`);
  const head = Buffer.from(`${lines.join("\r\n")}\r\n${garbage}\r\n`, "latin1");
  return Buffer.concat([head, ...(framing === "chunked" ? chunked(body) : [body])]);
}

function chunked(body: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += 1_000) {
    const chunk = body.subarray(at, at + 1_000);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  return [...chunks, Buffer.from("0\r\n\r\n")];
}

/** A shell line that sends the request again, for the report. */
export function replayLine(request: FuzzRequest, port: number): string {
  const bytes = serialize(request).toString("base64");
  const shown = bytes.length > 6_000 ? `${bytes.slice(0, 6_000)}… (${bytes.length} characters)` : bytes;
  return `echo ${shown} | base64 -d | nc -q 5 127.0.0.1 ${port}`;
}

/** The request, readable. */
export function describe(request: FuzzRequest): string {
  const bytes = serialize(request);
  return JSON.stringify(bytes.toString("latin1", 0, Math.min(bytes.length, 1_500)));
}
