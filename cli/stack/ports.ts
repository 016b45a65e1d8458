import { createServer } from "node:net";

const MAX_TRIES = 100;

/** A port of the stack: the one wanted, and the one it got. */
export interface Port {
  readonly label: string;
  readonly wanted: number;
  readonly port: number;
}

/** Gives each label its port, or the next free one after it. No port is given twice. */
export async function takePorts<Label extends string>(
  wanted: Readonly<Record<Label, number>>,
): Promise<Record<Label, Port>> {
  const given = new Set<number>(Object.values<number>(wanted));
  const ports: [string, Port][] = [];
  for (const [label, first] of Object.entries<number>(wanted)) {
    const port = (await isFree(first)) ? first : await nextFree(first, given);
    given.add(port);
    ports.push([label, { label, wanted: first, port }]);
  }
  return Object.fromEntries(ports) as Record<Label, Port>;
}

async function nextFree(after: number, given: ReadonlySet<number>): Promise<number> {
  for (let port = after + 1; port <= after + MAX_TRIES; port++) {
    if (!given.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`Cannot find a free port: ${after} to ${after + MAX_TRIES} are all taken`);
}

/** A port counts as taken, too, when somebody listens on all addresses: some systems would let us listen beside them. */
async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, "127.0.0.1")) && (await canListen(port, "0.0.0.0"));
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => {
      resolve(false);
    });
    server.listen({ port, host, exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
