/** The official way: `@restatedev/vercel-ai-middleware`, and `ctx.run` in tools. */
import { connect } from "node:net";
import { serveWorker } from "../../src/testing/serve.ts";
import { onFreePorts, startServer } from "../../src/testing/start-server.ts";
import { inBench } from "../paths.ts";
import type { Shape, Subject } from "../subject.ts";
import { installPackage } from "./install.ts";
import { bundleOfficialWorker } from "./official-worker.ts";
import { startRestateSubject } from "./restate-stack.ts";

const OFFICIAL = inBench("official");
const LIMITS = "the SDK allows one await at a time: parallel tools fail the attempt, and Restate retries it for ever";

const supports = ({ parallel }: Shape): boolean => parallel <= 1;

/** In workerd, request-response. */
export const officialOnWorkers: Subject = {
  name: "official-workers",
  label: "official way, Workers",
  supports,
  limits: LIMITS,
  start: (environment) =>
    startRestateSubject(environment, {
      serve: async () => {
        await installPackage(OFFICIAL);
        const entry = await bundleOfficialWorker(environment.folder);
        const vars = {
          BENCH_MODEL_URL: environment.modelUrl,
          BENCH_PREFIX: "OfficialWorker",
          RESTATE_LOGGING: "ERROR",
        };
        return serveWorker({ entry, vars });
      },
      serviceOf: () => "OfficialWorkerAgent",
    }),
};

/** On Node, bidirectional. */
export const officialOnNode: Subject = {
  name: "official-node",
  label: "official way, Node (bidirectional)",
  supports,
  limits: LIMITS,
  start: (environment) =>
    startRestateSubject(environment, {
      serve: async () => {
        await installPackage(OFFICIAL);
        return onFreePorts(1, async ([port = 0]) => {
          const init = {
            label: "node",
            command: process.execPath,
            args: [inBench("official/node.ts"), String(port)],
            env: { BENCH_MODEL_URL: environment.modelUrl, BENCH_PREFIX: "OfficialNode", RESTATE_LOGGING: "ERROR" },
          };
          const child = await startServer(init, port, () => accepts(port));
          return { url: `http://127.0.0.1:${port}`, http11: false, pid: child.pid, stop: () => child.stop() };
        });
      },
      serviceOf: () => "OfficialNodeAgent",
    }),
};

/** True when somebody listens on the loopback port. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
