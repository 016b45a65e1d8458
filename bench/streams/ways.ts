/** The ways in which a live answer reaches its reader. */
import type { ServedEndpoint } from "../../src/testing/served-endpoint.ts";
import { serveDeno, serveWorker } from "../../src/testing/serve.ts";
import { serveKeepers } from "../../test/fixtures/streams/serve-keepers.ts";
import { inBench } from "../paths.ts";

/** A way. */
export interface Way {
  readonly name: string;
  readonly label: string;
  /** False: the answer is not journaled, and goes to the one who asks. */
  readonly isDurable: boolean;
  /** True: the reader asks another instance of the app than the one that writes. */
  readonly readsElsewhere?: true;
  readonly serve: (vars: Readonly<Record<string, string>>) => Promise<ServedEndpoint>;
}

const worker = (vars: Readonly<Record<string, string>>): Promise<ServedEndpoint> =>
  serveWorker({ entry: inBench("streams/worker.ts"), vars });
const deno = (vars: Readonly<Record<string, string>>): Promise<ServedEndpoint> =>
  serveDeno({ entry: inBench("streams/deno.ts"), vars });

export const WAYS: readonly Way[] = [
  { name: "plain", label: "no durability, Workers", isDurable: false, serve: worker },
  { name: "restate-workers", label: "Restate object, Workers", isDurable: true, serve: worker },
  {
    name: "restate-workers-apart",
    label: "Restate object, Workers, read from another isolate",
    isDurable: true,
    readsElsewhere: true,
    serve: worker,
  },
  { name: "restate-deno", label: "Restate object, Deno", isDurable: true, serve: deno },
  {
    name: "durable-object",
    label: "Durable Object, Workers",
    isDurable: true,
    serve: (vars) => serveKeepers({ app: inBench("streams/durable-object.ts"), vars }),
  },
  {
    name: "memory-deno",
    label: "memory, Deno",
    isDurable: true,
    serve: (vars) => deno({ ...vars, BENCH_STORE: "memory" }),
  },
];
