import { connect } from "node:net";

/** What became of a request whose body does not end. */
export interface EndlessOutcome {
  /** Status of the answer; 0 when the connection ended without one. */
  readonly status: number;
  /** Bytes of the body that could be sent before it came. */
  readonly sent: number;
}

/**
 * Sends the head and then the body, for as long as it is taken and no answer has come.
 *
 * @throws Error after 10 seconds.
 */
export function sendEndlessBody(port: number, head: string, piece: Buffer): Promise<EndlessOutcome> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let sent = 0;
    let received = "";
    let isOver = false;
    const finish = (): void => {
      isOver = true;
      clearTimeout(timer);
      socket.destroy();
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 0), sent });
    };
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`No answer within 10 s, after ${sent} bytes`));
    }, 10_000);
    const more = (): void => {
      while (!isOver && piece.length > 0) {
        sent += piece.length;
        if (!socket.write(piece)) return void socket.once("drain", more);
      }
    };
    socket.on("connect", () => {
      socket.write(head);
      more();
    });
    socket.on("data", (data) => {
      received += data.toString("latin1");
      if (received.includes("\r\n\r\n")) finish();
    });
    socket.on("error", finish);
    socket.on("close", finish);
  });
}
