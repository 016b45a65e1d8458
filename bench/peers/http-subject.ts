/** A peer that runs as a process with `POST /run`: what the three of them have in common. */
import type { ChildInit } from "../../src/testing/child.ts";
import { startServer } from "../../src/testing/start-server.ts";
import { answers } from "../../src/testing/wait.ts";
import { promptOf } from "../prompt.ts";
import type { RunningSubject, Usage } from "../subject.ts";
import { processUsage } from "../usage/process-usage.ts";

/** What differs between the peers. */
export interface HttpSubjectInit {
  readonly child: ChildInit;
  readonly port: number;
  /** What the process got besides the `POST /run`s, when it talks to itself. Default: nothing. */
  readonly innerRequests?: (url: string) => Promise<Pick<Usage, "requests" | "uploadedBytes">>;
  /** Called with the answer to each run. */
  readonly onAnswer?: (id: string, response: Response) => void;
  readonly storedBytes?: (id: string) => Promise<number>;
  /** Called when the process has ended. */
  readonly dispose?: () => Promise<void>;
}

/**
 * Starts the process and waits until it answers.
 *
 * @throws Error with its log when it does not within a minute.
 */
export async function startHttpSubject(init: HttpSubjectInit): Promise<RunningSubject> {
  const url = `http://127.0.0.1:${init.port}`;
  const child = await startServer(init.child, init.port, () => answers(url), { timeoutMs: 60_000 });
  const outer = { requests: 0, uploadedBytes: 0 };
  const { storedBytes } = init;
  return {
    async run(id, shape) {
      const body = JSON.stringify({ id, prompt: promptOf(shape) });
      outer.requests += 1;
      outer.uploadedBytes += body.length;
      const headers = { "content-type": "application/json" };
      const response = await fetch(`${url}/run`, { method: "POST", headers, body });
      const text = await response.text();
      if (!response.ok) throw new Error(`Cannot run ${id}: ${response.status}: ${text}\n${child.log()}`);
      init.onAnswer?.(id, response);
      return text;
    },
    async usage() {
      const inner = (await init.innerRequests?.(url)) ?? { requests: 0, uploadedBytes: 0 };
      return {
        requests: outer.requests + inner.requests,
        uploadedBytes: outer.uploadedBytes + inner.uploadedBytes,
        ...(await processUsage(child.pid)),
      };
    },
    ...(storedBytes === undefined ? {} : { storedBytes }),
    async stop() {
      await child.stop();
      await init.dispose?.();
    },
  };
}
