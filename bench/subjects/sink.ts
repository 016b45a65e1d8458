import { listen } from "../../src/testing/http-server.ts";

/** Where a streaming agent posts its parts. */
export interface Sink {
  readonly url: string;
  /** Settles with `performance.now()` when the next part arrives. */
  next(): Promise<number>;
  close(): Promise<void>;
}

/** Starts a sink on a free loopback port. */
export async function startSink(): Promise<Sink> {
  let waiting: ((now: number) => void)[] = [];
  const server = await listen(async (request, response) => {
    for (const arrived of waiting) arrived(performance.now());
    waiting = [];
    request.resume();
    response.end();
  });
  return {
    url: server.url,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    close: () => server.close(),
  };
}
