/**
 * What the tool writes into a deployment's metadata when it registers it, and reads back: Restate keeps it, and so it is
 * the tool's only memory that every machine shares.
 */

/** Keys of the metadata. They are a contract between versions of the tool. */
const KEY = {
  app: "restate-edge-agents/app",
  platform: "restate-edge-agents/platform",
  version: "restate-edge-agents/version",
  fingerprint: "restate-edge-agents/fingerprint",
  worker: "restate-edge-agents/worker",
  tool: "restate-edge-agents/tool",
  gitSha: "git.sha",
} as const;

/**
 * Key of the versions that were left, separated by commas: the one that was the latest when this one became it again, by
 * `rollback` or because a deployment failed, and those before it that had been left already. See left.ts.
 */
export const ROLLED_BACK_FROM = "restate-edge-agents/rolled-back-from";

/**
 * Where a version runs.
 *
 * - `version-url`: a version of the Worker, under its own immutable URL.
 * - `worker-per-version`: a Worker of its own for each version.
 * - `deno-deploy`: Deno Deploy: an app of its own for each version, or, where somebody else uploads, the app's production URL.
 * - `url`: a server that somebody else runs, such as a container.
 */
export type Platform = "version-url" | "worker-per-version" | "deno-deploy" | "url";

const PLATFORMS: readonly string[] = ["version-url", "worker-per-version", "deno-deploy", "url"] satisfies Platform[];

/** A version that the tool has registered. */
export interface VersionFacts {
  /** The app's name, the same for all its versions: deployments of other apps are left alone. */
  readonly app: string;
  readonly platform: Platform;
  /** Id of the version, as the app itself knows it. */
  readonly version: string;
  /** Hash of what was deployed: the same code and configuration has the same. */
  readonly fingerprint: string;
  /** Name of the Worker, or of the version's app on Deno Deploy, where it has one. */
  readonly worker?: string | undefined;
  readonly gitSha?: string | undefined;
  /** Version of this tool. */
  readonly tool?: string | undefined;
}

/** True where one address serves now this version, now that one. */
export function hasOneAddress({ platform, worker }: Pick<VersionFacts, "platform" | "worker">): boolean {
  return platform === "url" || (platform === "deno-deploy" && worker === undefined);
}

/** True where each version has a Worker, or an app, of its own: the app's own address serves a copy. */
export function hasOwnWorker({ platform, worker }: Pick<VersionFacts, "platform" | "worker">): boolean {
  return worker !== undefined && (platform === "worker-per-version" || platform === "deno-deploy");
}

export function metadataOf(facts: VersionFacts): Record<string, string> {
  const entries = Object.entries(KEY).map(([name, key]) => [key, facts[name as keyof VersionFacts]] as const);
  return Object.fromEntries(entries.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

/** The facts in a deployment's metadata; undefined for one that this tool did not register. */
export function factsIn(metadata: Readonly<Record<string, string>> | undefined): VersionFacts | undefined {
  const app = metadata?.[KEY.app];
  const version = metadata?.[KEY.version];
  const platform = metadata?.[KEY.platform];
  if (metadata === undefined || app === undefined || version === undefined || !isPlatform(platform)) return undefined;
  return {
    app,
    platform,
    version,
    fingerprint: metadata[KEY.fingerprint] ?? "",
    worker: metadata[KEY.worker],
    gitSha: metadata[KEY.gitSha],
    tool: metadata[KEY.tool],
  };
}

function isPlatform(text: string | undefined): text is Platform {
  return text !== undefined && PLATFORMS.includes(text);
}
