/** HTTP/1.1 as it goes over the wire: requests that no client would send, and answers as they came. */
import { connect } from "node:net";

/** An answer, read to its end. */
export interface RawAnswer {
  readonly status: number;
  /** As they came, in order; names in lower case. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** From the first byte sent to the last byte received, in milliseconds. */
  readonly ms: number;
}

/** What became of a request. */
export type Outcome =
  | { readonly kind: "answer"; readonly answer: RawAnswer }
  /** The connection ended first. */
  | { readonly kind: "closed"; readonly received: string }
  | { readonly kind: "timeout"; readonly received: string };

/** How a request is sent. */
export interface ExchangeOptions {
  /** Longest wait for the whole answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
  /** Answers to HEAD have no body. Default: read from the first bytes of the request. */
  readonly isHead?: boolean;
  /** Ends the sending side after the last byte: nothing more will come. */
  readonly halfClose?: boolean;
  /** Pause between two parts, in milliseconds. Default 0. */
  readonly pauseMs?: number;
}

/** Sends `parts` over a connection of its own, and reads one answer. */
export function exchange(port: number, parts: readonly (string | Buffer)[], options: ExchangeOptions = {}) {
  const { timeoutMs = 5_000, halfClose = false, pauseMs = 0 } = options;
  const isHead = options.isHead ?? String(parts[0]).startsWith("HEAD ");
  return new Promise<Outcome>((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    const begin = performance.now();
    let isDone = false;
    const finish = (outcome: Outcome): void => {
      if (isDone) return;
      isDone = true;
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    const received = (): Buffer => Buffer.concat(chunks);
    const timer = setTimeout(() => finish({ kind: "timeout", received: received().toString("latin1") }), timeoutMs);
    const ended = (): void => {
      const answer = parseAnswer(received(), { isHead, isEnd: true });
      if (answer === undefined) finish({ kind: "closed", received: received().toString("latin1") });
      else finish({ kind: "answer", answer: { ...answer, ms: performance.now() - begin } });
    };
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      const answer = parseAnswer(received(), { isHead, isEnd: false });
      if (answer !== undefined) finish({ kind: "answer", answer: { ...answer, ms: performance.now() - begin } });
    });
    socket.on("end", ended);
    // A server that answers and closes while the body is still being sent resets the connection.
    socket.on("error", ended);
    socket.on("close", ended);
    socket.on("connect", () => void send());
    const send = async (): Promise<void> => {
      for (const part of parts) {
        if (isDone) return;
        socket.write(part);
        if (pauseMs > 0) await new Promise((next) => setTimeout(next, pauseMs));
      }
      if (halfClose && !isDone) socket.end();
    };
  });
}

/** The answer in `bytes`; undefined while it is not whole. */
function parseAnswer(bytes: Buffer, { isHead, isEnd }: { readonly isHead: boolean; readonly isEnd: boolean }) {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [statusLine = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? Number.NaN);
  if (Number.isNaN(status)) return undefined;
  const rest = bytes.subarray(headEnd + 4);
  if (status < 200) return parseAnswer(rest, { isHead, isEnd });
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const body = bodyOf({ rest, headers, isEnd, isEmpty: isHead || status === 204 || status === 304 });
  return body === undefined ? undefined : { status, headers, body };
}

interface BodyParts {
  readonly rest: Buffer;
  readonly headers: RawAnswer["headers"];
  readonly isEnd: boolean;
  readonly isEmpty: boolean;
}

function bodyOf({ rest, headers, isEnd, isEmpty }: BodyParts): Buffer | undefined {
  if (isEmpty) return Buffer.alloc(0);
  const value = (name: string): string | undefined => headers.find(([known]) => known === name)?.[1];
  if (value("transfer-encoding") === "chunked") return unchunk(rest);
  const length = value("content-length");
  if (length === undefined) return isEnd ? rest : undefined;
  return rest.length >= Number(length) ? rest.subarray(0, Number(length)) : undefined;
}

function unchunk(bytes: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const begin = lineEnd + 2;
    if (bytes.length < begin + size + 2) return undefined;
    if (size === 0) return Buffer.concat(chunks);
    chunks.push(bytes.subarray(begin, begin + size));
    at = begin + size + 2;
  }
}

/** The first value of a header; undefined when it is absent. */
export function header(answer: RawAnswer, name: string): string | undefined {
  return answer.headers.find(([known]) => known === name)?.[1];
}
