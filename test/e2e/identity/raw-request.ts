/** Requests whose path and headers go over the wire as they are written here. */
import { request as send } from "node:http";

/** A request. A header with several values is sent several times. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | undefined;
}

export interface RawResponse {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** @throws Error when the connection ends before the answer, or after 10 seconds. */
export function rawRequest(url: string, { method, path, headers, body }: RawRequest): Promise<RawResponse> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = send({
      host: "127.0.0.1",
      port,
      method,
      path,
      headers: { ...headers, ...(body === undefined ? {} : { "content-length": String(body.length) }) },
      agent: false,
      timeout: 10_000,
    });
    sent.on("timeout", () => sent.destroy(new Error(`${method} ${path}: no answer within 10 s`)));
    sent.on("error", reject);
    sent.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const contentType = answer.headers["content-type"] ?? "";
        resolve({ status: answer.statusCode ?? 0, contentType, body: Buffer.concat(chunks) });
      });
    });
    sent.end(body);
  });
}
