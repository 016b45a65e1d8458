/** This library: on Workers with and without windows, on Deno, and long runs as several invocations. */
import { journalEncryption } from "../../src/index.ts";
import { serveDeno, serveWorker } from "../../src/testing/serve.ts";
import { inBench } from "../paths.ts";
import type { BenchEnvironment, RunningSubject, Shape, Subject } from "../subject.ts";
import { startRestateSubject } from "./restate-stack.ts";

/** What differs between the subjects. */
interface OursInit {
  readonly name: string;
  readonly label: string;
  /** Begins the names of its services. */
  readonly prefix: string;
  readonly runtime: "workers" | "deno";
  readonly window?: false;
  /** Runs go on in new invocations. */
  readonly continued?: true;
  /** Journals are encrypted. */
  readonly encrypted?: true;
}

/** Fewer steps than this fit into one invocation well. */
const LONG_RUN_STEPS = 1000;

/** Of the bench. */
const KEYS = `bench:${Buffer.alloc(32, "bench").toString("base64")}`;

function ours(init: OursInit): Subject {
  const { name, label, continued } = init;
  const subject: Subject = { name, label, start: (environment) => startOurs(environment, init) };
  if (continued === undefined) return subject;
  const supports = ({ steps }: Shape): boolean => steps >= LONG_RUN_STEPS;
  return { ...subject, supports, limits: `it is for runs of at least ${LONG_RUN_STEPS} steps` };
}

function startOurs(environment: BenchEnvironment, init: OursInit): Promise<RunningSubject> {
  const { prefix, runtime, window, continued, encrypted } = init;
  return startRestateSubject(environment, {
    serve: (sinkUrl) => {
      const vars = {
        BENCH_MODEL_URL: environment.modelUrl,
        BENCH_PREFIX: prefix,
        BENCH_SINK_URL: sinkUrl,
        BENCH_WINDOW: String(window ?? true),
        ENVIRONMENT: "development",
        RESTATE_LOGGING: "ERROR",
        ...(encrypted === undefined ? {} : { JOURNAL_KEYS: KEYS }),
      };
      return runtime === "deno"
        ? serveDeno({ entry: inBench("ours/deno.ts"), vars })
        : serveWorker({ entry: inBench("ours/worker.ts"), vars });
    },
    mount: "/restate",
    serviceOf: ({ readOnly }) =>
      `${prefix}${readOnly ? "ReadOnly" : "Ordinary"}${continued === undefined ? "" : "Continued"}`,
    streamingService: `${prefix}Streaming`,
    encryption: encrypted === undefined ? undefined : journalEncryption({ keys: KEYS }),
  });
}

/** Every way in which this library is measured. */
export const ourSubjects: readonly Subject[] = [
  ours({ name: "ours-workers", label: "ours, Workers", prefix: "Worker", runtime: "workers" }),
  ours({
    name: "ours-workers-no-window",
    label: "ours, Workers, window: false",
    prefix: "NoWindow",
    runtime: "workers",
    window: false,
  }),
  ours({
    name: "ours-workers-continued",
    label: "ours, Workers, continueAsNew",
    prefix: "Continued",
    runtime: "workers",
    continued: true,
  }),
  ours({ name: "ours-deno", label: "ours, Deno (bidirectional)", prefix: "Deno", runtime: "deno" }),
];

/** The same with encrypted journals: `npm run bench:encryption`. */
export const encryptedSubjects: readonly Subject[] = [
  ours({
    name: "ours-workers-encrypted",
    label: "ours, Workers, encrypted",
    prefix: "Sealed",
    runtime: "workers",
    encrypted: true,
  }),
  ours({
    name: "ours-deno-encrypted",
    label: "ours, Deno, encrypted",
    prefix: "SealedDeno",
    runtime: "deno",
    encrypted: true,
  }),
];
