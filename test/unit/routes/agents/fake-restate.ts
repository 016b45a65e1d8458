/** A Restate that misbehaves as a test wants; ingress and Admin API in one. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { listen, type LoopbackServer } from "../../../../src/testing/http-server.ts";

export const ID = "inv_1gOGkAD97RIn7jOf3unqt5pPR4B2uiEsVU";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Reply =
  /** The connection is cut before an answer. */
  | "cut"
  /** The head of an answer comes, then the connection is cut. */
  | "cut-in-body"
  /** No answer ever. */
  | "hang"
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

/** A handler returned this JSON. */
export const returned = (body: string, headers: Record<string, string> = {}): Reply => ({
  status: 200,
  headers: { "x-restate-id": ID, "content-type": "application/json", ...headers },
  body,
});

/** Restate has it. */
export const accepted = (status = "Accepted"): Reply => ({
  status: 202,
  headers: { "x-restate-id": ID, "content-type": "application/json" },
  body: JSON.stringify({ invocationId: ID, status }),
});

/** Restate, or an invocation, says no. */
export const refused = (status: number, message: string, source = "ingress"): Reply => ({
  status,
  headers: {
    "x-restate-error-source": source,
    "content-type": "application/json",
    ...(source === "invocation" ? { "x-restate-id": ID } : {}),
  },
  body: JSON.stringify({ code: status, message, source }),
});

export class FakeRestate {
  readonly requests: SeenRequest[] = [];
  /** What it answers. */
  reply: (request: SeenRequest, n: number) => Reply = () => returned("null");
  readonly #server: LoopbackServer;

  private constructor(server: LoopbackServer) {
    this.#server = server;
  }

  static async start(): Promise<FakeRestate> {
    const server = await listen((request, response) => fake.#handle(request, response));
    const fake: FakeRestate = new FakeRestate(server);
    return fake;
  }

  get url(): string {
    return this.#server.url;
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  reset(): void {
    this.requests.length = 0;
    this.reply = () => returned("null");
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", url = "", headers } = request;
    const seen = { method, url, headers, body: Buffer.concat(chunks).toString() };
    this.requests.push(seen);
    const reply = this.reply(seen, this.requests.length - 1);
    if (reply === "hang") return;
    if (reply === "cut") return void response.destroy();
    if (reply === "cut-in-body") {
      response.writeHead(200, { "x-restate-id": ID, "content-type": "application/json", "content-length": "100" });
      return void response.write('{"half":', () => response.destroy());
    }
    response.writeHead(reply.status, reply.headers).end(reply.body);
  }
}
