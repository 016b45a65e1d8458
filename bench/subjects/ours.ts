/** This library, on Workers and on Deno. */
import { serveDeno, serveWorker } from "../../src/testing/serve.ts";
import { inBench } from "../paths.ts";
import type { BenchEnvironment, Shape, Subject } from "../subject.ts";
import { startRestateSubject } from "./restate-stack.ts";

function vars({ modelUrl }: BenchEnvironment, prefix: string): Record<string, string> {
  return {
    BENCH_MODEL_URL: modelUrl,
    BENCH_PREFIX: prefix,
    ENVIRONMENT: "development",
    RESTATE_LOGGING: "ERROR",
  };
}

const serviceOf =
  (prefix: string) =>
  ({ readOnly }: Shape): string =>
    `${prefix}${readOnly ? "ReadOnly" : "Ordinary"}`;

/** In workerd, request-response. */
export const oursOnWorkers: Subject = {
  name: "ours-workers",
  label: "ours, Workers",
  start: (environment) =>
    startRestateSubject(environment, {
      serve: () => serveWorker({ entry: inBench("ours/worker.ts"), vars: vars(environment, "Worker") }),
      mount: "/restate",
      serviceOf: serviceOf("Worker"),
    }),
};

/** On Deno, bidirectional. */
export const oursOnDeno: Subject = {
  name: "ours-deno",
  label: "ours, Deno (bidirectional)",
  start: (environment) =>
    startRestateSubject(environment, {
      serve: () => serveDeno({ entry: inBench("ours/deno.ts"), vars: vars(environment, "Deno") }),
      mount: "/restate",
      serviceOf: serviceOf("Deno"),
    }),
};
