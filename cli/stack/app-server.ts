/**
 * The two ways to serve the app in development. Both rebuild when the source changes, and print a line when the new
 * code is being served: that line, not a guess about time, is what registration waits for.
 */
import { denoBinary, wranglerScript } from "../../src/testing/packages.ts";
import { type Child, startChild } from "./child.ts";
import { QUIET } from "./quiet.ts";
import { startRestartable } from "./restartable.ts";
import { type Settings, writeSettingsFile } from "./settings.ts";
import { watchSource } from "./watch-source.ts";

/** How the app is started. */
export interface AppServerInit {
  /** Absolute path of the project. */
  readonly folder: string;
  /** What is served, in the folder. Default: the configuration's `main`, or entry/deno.ts. */
  readonly entry?: string | undefined;
  /** Environment of wrangler's configuration. */
  readonly environment?: string | undefined;
  readonly port: number;
  readonly settings: Settings;
  readonly onLine: (line: string) => void;
  /** Called each time code is served that was not before: at the start, and after each rebuild. */
  readonly onServing: () => void;
}

/** An app server that was started. */
export interface AppServer {
  readonly child: Child;
  /** Kills it and starts it again. */
  readonly crash: () => Promise<void>;
  readonly url: string;
  /** What Restate has to know to call it. */
  readonly deployment: { readonly uri: string; readonly use_http_11: boolean };
}

/** A way to serve the app. */
export type StartAppServer = (init: AppServerInit) => AppServer;

/** Serves the Worker with `wrangler dev`. */
export const startWorker: StartAppServer = (init) => {
  const file = writeSettingsFile(init.settings);
  process.on("exit", file.remove);
  let hasServed = false;
  const onServing = (): void => {
    hasServed = true;
    init.onServing();
  };
  const child = startRestartable(() => startWrangler({ ...init, onServing }, file.path));
  // After a first build that fails, wrangler does not watch the source: it has to be started again.
  watchSource(init.folder, () => {
    if (!hasServed) void child.restart();
  });
  // wrangler dev speaks HTTP/1.1 only.
  return { child, crash: child.crash, ...addresses(init.port, true) };
};

function startWrangler(init: AppServerInit, envFile: string): Child {
  // The empty one is the top level: without any, wrangler warns that there are others.
  const environment = init.environment ?? process.env["CLOUDFLARE_ENV"] ?? "";
  const flags = ["--ip", "127.0.0.1", "--port", String(init.port), "--env-file", envFile, "--env", environment];
  return startChild({
    label: "wrangler dev",
    command: process.execPath,
    args: [
      wranglerScript(init.folder),
      "dev",
      ...(init.entry === undefined ? [] : [init.entry]),
      ...flags,
      "--show-interactive-dev-session=false",
    ],
    cwd: init.folder,
    env: { ...process.env, ...QUIET, FORCE_COLOR: "0" },
    onLine: announce(init, /Ready on http|Local server updated and ready/),
  });
}

/** What the app may do on Deno. A dependency of the AI SDK reads the host name while it loads. */
export const DENO_PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-env",
  "--allow-sys=hostname",
  "--no-prompt",
];

/** Where the playground's page is: in this repository, in a project that has it as a package. */
const PAGE_FOLDERS = ["web/dist", "node_modules/restate-edge-agents/dist/web"];

/** What Deno serves of a project. */
export const DENO_ENTRY = "entry/deno.ts";

/** Serves the app with `deno serve`, over HTTP/2. */
export const startDeno: StartAppServer = (init) => {
  const permissions = [...DENO_PERMISSIONS, `--allow-read=${PAGE_FOLDERS.join(",")}`];
  const child = startRestartable(() =>
    startChild({
      label: "deno serve",
      command: denoBinary(init.folder),
      args: [
        "serve",
        ...permissions,
        "--watch",
        "--host",
        "127.0.0.1",
        "--port",
        String(init.port),
        init.entry ?? DENO_ENTRY,
      ],
      cwd: init.folder,
      env: { ...process.env, ...QUIET, ...init.settings, NO_COLOR: "1" },
      onLine: announce(init, /Listening on http/),
      // It waits for its connections to close, and Restate keeps one open.
      graceMs: 2_000,
    }),
  );
  return { child, crash: child.crash, ...addresses(init.port, false) };
};

function announce(init: AppServerInit, sign: RegExp): (line: string) => void {
  return (line) => {
    init.onLine(line);
    if (sign.test(line)) init.onServing();
  };
}

function addresses(port: number, http11: boolean): Pick<AppServer, "url" | "deployment"> {
  const url = `http://127.0.0.1:${port}`;
  return { url, deployment: { uri: `${url}/restate`, use_http_11: http11 } };
}
