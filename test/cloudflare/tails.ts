/** Where `wrangler tail` listens: one WebSocket server for all Workers, which passes on what a test says that they logged. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

/** The server. */
export interface Tails {
  /** `ws://…` */
  readonly url: string;
  /** Settles when somebody listens. */
  readonly listened: Promise<void>;
  /** To all that listen. https://developers.cloudflare.com/workers/observability/logs/real-time-logs/ */
  send(event: object): void;
  close(): Promise<void>;
}

/** RFC 6455, section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 0x81;
const PING = 0x09;
const PONG = Buffer.from([0x8a, 0]);

export async function startTails(): Promise<Tails> {
  const sockets = new Set<Duplex>();
  const listened = Promise.withResolvers<void>();
  const server = createServer().on("upgrade", ({ headers }: IncomingMessage, socket: Duplex) => {
    const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}${GUID}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: trace-v1\r\n\r\n`,
    );
    socket.on("data", (frame: Buffer) => {
      if (((frame[0] ?? 0) & 0x0f) === PING) socket.write(PONG);
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
    sockets.add(socket);
    listened.resolve();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    listened: listened.promise,
    send: (event) => {
      for (const socket of sockets) socket.write(frameOf(JSON.stringify(event)));
    },
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => done());
      }),
  };
}

/** One unmasked frame of text, up to 64 KiB. */
function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head = length < 126 ? [TEXT, length] : [TEXT, 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), payload]);
}
