import type { Sealing } from "../encryption/sealing.ts";

/** How invocations whose handler did not say are retried. Times in milliseconds. */
export interface RestateRetryPolicy {
  /** Pause before the first retry. Restate's default: 500. */
  readonly initialIntervalMs?: number;
  /** Longest pause between two retries. Restate's default: 60,000. */
  readonly maxIntervalMs?: number;
  /** Attempts before `onMaxAttempts`. Restate's default: 70. */
  readonly maxAttempts?: number;
  /** Restate's default: `pause`. */
  readonly onMaxAttempts?: "pause" | "kill";
}

/** How `startRestate` starts the server. */
export interface RestateServerOptions {
  /** Folder of its data. Default: a temporary one, removed by `stop()`. */
  readonly baseDir?: string;
  /**
   * More configuration as environment variables, such as `RESTATE_WORKER__INVOKER__ABORT_TIMEOUT`. They win over
   * every other option. `restate-server --dump-config` lists what there is.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Replays the journal for every step, also on bidirectional endpoints: as on Workers. Default false. */
  readonly alwaysReplay?: boolean;
  readonly retry?: RestateRetryPolicy;
  /** Of an app that encrypts, `journalEncryption({ keys })`: what tests send is encrypted, what they get decrypted. */
  readonly encryption?: Sealing | undefined;
}

/** The ports of one server. */
export interface RestatePorts {
  readonly ingress: number;
  readonly admin: number;
  readonly node: number;
}

/** The server's environment: loopback only, quiet, small. */
export function restateConfiguration(ports: RestatePorts, options: RestateServerOptions): Record<string, string> {
  return {
    // The default is the host's name, and a server refuses the data of another name.
    RESTATE_NODE_NAME: "test",
    // Paths of Unix sockets are limited to about 100 characters, which a deep temporary folder exceeds.
    RESTATE_LISTEN_MODE: "tcp",
    RESTATE_BIND_ADDRESS: `127.0.0.1:${ports.node}`,
    RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${ports.node}/`,
    RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ports.ingress}`,
    RESTATE_INGRESS__ADVERTISED_ADDRESS: `http://127.0.0.1:${ports.ingress}/`,
    RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${ports.admin}`,
    RESTATE_ADMIN__ADVERTISED_ADDRESS: `http://127.0.0.1:${ports.admin}/`,
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_LOG_FILTER: "warn",
    RESTATE_LOG_DISABLE_ANSI_CODES: "true",
    RESTATE_DEFAULT_NUM_PARTITIONS: "2",
    RESTATE_ROCKSDB_TOTAL_MEMORY_SIZE: "256 MiB",
    RESTATE_SHUTDOWN_TIMEOUT: "2s",
    // An inactivity timeout of 0 makes Restate drive every endpoint in request-response mode.
    ...(options.alwaysReplay === true ? { RESTATE_WORKER__INVOKER__INACTIVITY_TIMEOUT: "0s" } : {}),
    ...retryConfiguration(options.retry),
    ...options.env,
  };
}

function retryConfiguration(policy: RestateRetryPolicy = {}): Record<string, string> {
  const values: Readonly<Record<string, string | undefined>> = {
    INITIAL_INTERVAL: milliseconds(policy.initialIntervalMs),
    MAX_INTERVAL: milliseconds(policy.maxIntervalMs),
    MAX_ATTEMPTS: policy.maxAttempts?.toString(),
    ON_MAX_ATTEMPTS: policy.onMaxAttempts,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[`RESTATE_DEFAULT_RETRY_POLICY__${name}`, value]],
    ),
  );
}

function milliseconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `${ms}ms`;
}
