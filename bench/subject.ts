/** The contract between the harness and what it measures. Every subject runs the same agent; see BENCHMARKS.md. */

/** What one run does. The prompt carries it, and the scripted model reads it from there. */
export interface Shape {
  readonly name: string;
  /** How often the model asks for tools; it answers once more to end the run. */
  readonly steps: number;
  /** Tool calls of each such answer. */
  readonly parallel: number;
  /** How long each tool call takes, in milliseconds. */
  readonly toolMs: number;
  /** Length of each tool's result, in characters. */
  readonly resultBytes: number;
  /** True when the tool has no side effect, and subjects that know the difference may say so. */
  readonly readOnly: boolean;
}

/** What a subject finds when it starts. */
export interface BenchEnvironment {
  /** OpenAI Responses base URL of the scripted model, such as `http://127.0.0.1:1234/v1`. */
  readonly modelUrl: string;
  /** Temporary folder of this bench; removed when it ends. */
  readonly folder: string;
}

/** Cumulative figures since the subject started. */
export interface Usage {
  /** HTTP requests into the process that runs the agent. */
  readonly requests: number;
  /** Bytes of the bodies of these requests. */
  readonly uploadedBytes: number;
  /** CPU time of the process tree that runs the agent, in milliseconds. */
  readonly cpuMs?: number;
  /** Peak resident memory (VmHWM) of that process tree, in bytes. */
  readonly peakMemoryBytes?: number;
}

/** A subject that has started. */
export interface RunningSubject {
  /** Runs the agent once to its end; resolves with the final text, rejects when the run failed. */
  run(id: string, shape: Shape): Promise<string>;
  /** Cumulative figures since the start. */
  usage(): Promise<Usage>;
  /** Runs the agent as `run` does; milliseconds until its first streamed part reaches the caller. */
  firstPartMs?(id: string, shape: Shape): Promise<number>;
  /** Bytes kept by the durable store for one finished run, when it can be told. */
  storedBytes?(id: string): Promise<number>;
  stop(): Promise<void>;
}

/** A way to run the agent. */
export interface Subject {
  /** Names it on the command line and in results, such as `ours-workers`. */
  readonly name: string;
  /** Column header. */
  readonly label: string;
  /** False for shapes that it cannot run. Default: runs them all. */
  supports?(shape: Shape): boolean;
  /** Why `supports` is false; the report says so. */
  readonly limits?: string;
  start(environment: BenchEnvironment): Promise<RunningSubject>;
}
