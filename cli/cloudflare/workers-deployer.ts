/** Cloudflare Workers, for `deploy`. */
import { requireCommitted } from "../deploy/git.ts";
import type { Candidate, DeployContext, PlatformDeployer } from "../deploy/platform-deployer.ts";
import { type Project } from "../project/project.ts";
import { requireUrl } from "../project/restate-settings.ts";
import { projectOf } from "../tool/tool.ts";
import { type Bundle, buildBundle, requireOneSdk } from "./bundle.ts";
import { assetsHash, fingerprintOf, resolvedConfig } from "./fingerprint.ts";
import { secretsInFile, secretsOf } from "./secrets.ts";
import { chooseStrategy, type ChosenStrategy } from "./strategy.ts";
import { listVersions, type WorkerVersion } from "./versions.ts";
import { exclusiveIn } from "./triggers.ts";
import { requireAddressOfVersion } from "./version-address.ts";
import { VersionUrls } from "./version-urls.ts";
import { VersionWorkers } from "./version-workers.ts";
import { problemsOf, requireNoProblem } from "./worker-checks.ts";

/** What the check found, for the steps that follow. */
export interface CheckedWorker {
  readonly project: Project;
  /** Its newest versions; undefined: there is no such Worker yet. */
  readonly versions: readonly WorkerVersion[] | undefined;
  /** Whether its configuration has routes, schedules or queues. */
  readonly hasTriggers: boolean;
  readonly candidate: Candidate;
}

/** How one strategy goes on. */
export type WorkersStrategy = Omit<PlatformDeployer, "name" | "check">;

/** Deploys a Worker by the strategy that fits it. */
export class WorkersDeployer implements PlatformDeployer {
  readonly name = "Cloudflare Workers";
  #strategy: WorkersStrategy | undefined;

  async check(context: DeployContext): Promise<Candidate> {
    const { log, tool, options } = context;
    const project = await log.run({ step: "project", title: "Project", work: () => projectOf(tool), summary: about });
    const chosen = chooseStrategy(options, project.worker);
    if (options.versionUrl !== undefined) requireAddressOfVersion(options.versionUrl, chosen.strategy);
    if (chosen.reason !== undefined) tool.reporter.info(`  One Worker per version: ${chosen.reason}`);
    const gitSha = await requireCommitted(tool, project.folder, options.allowDirty);
    const { secrets, versions, hasTriggers } = await log.run({
      step: "settings",
      title: "Worker's settings and secrets",
      work: () => checkSettings(context, project, chosen),
      summary: (found) => (found.versions === undefined ? "ok; the Worker does not exist yet" : "ok"),
    });
    const bundle = await log.run({
      step: "bundle",
      title: "Bundle",
      work: async () => {
        const built = await buildBundle(tool, project);
        requireOneSdk(built);
        return built;
      },
      summary: ({ bytes, hash }) => `${Math.round(bytes / 1_024)} KiB, ${hash.slice(0, 8)}`,
    });
    const candidate = await candidateOf(context, { project, chosen, secrets, bundle, gitSha });
    const checked = { project, versions, hasTriggers, candidate };
    this.#strategy = chosen.strategy === "version-url" ? new VersionUrls(checked) : new VersionWorkers(checked);
    return candidate;
  }

  find(...args: Parameters<PlatformDeployer["find"]>): ReturnType<PlatformDeployer["find"]> {
    return this.#chosen.find(...args);
  }

  upload(...args: Parameters<PlatformDeployer["upload"]>): ReturnType<PlatformDeployer["upload"]> {
    return this.#chosen.upload(...args);
  }

  promoted(...args: Parameters<PlatformDeployer["promoted"]>): ReturnType<PlatformDeployer["promoted"]> {
    return this.#chosen.promoted(...args);
  }

  async promote(...args: Parameters<NonNullable<PlatformDeployer["promote"]>>): Promise<void> {
    await this.#chosen.promote?.(...args);
  }

  async openAddress(...args: Parameters<NonNullable<PlatformDeployer["openAddress"]>>): Promise<void> {
    await this.#chosen.openAddress?.(...args);
  }

  async giveWay(...args: Parameters<NonNullable<PlatformDeployer["giveWay"]>>): Promise<boolean> {
    return (await this.#chosen.giveWay?.(...args)) ?? false;
  }

  mainUrl(...args: Parameters<PlatformDeployer["mainUrl"]>): string | undefined {
    return this.#chosen.mainUrl(...args);
  }

  get #chosen(): WorkersStrategy {
    if (this.#strategy === undefined) throw new Error("Cannot deploy before check()");
    return this.#strategy;
  }
}

/** What Cloudflare knows of the Worker. */
interface Found extends Pick<CheckedWorker, "versions" | "hasTriggers"> {
  /** Names of those that the version will have. */
  readonly secrets: readonly string[];
}

async function checkSettings(
  { tool, options }: DeployContext,
  project: Project,
  { strategy }: ChosenStrategy,
): Promise<Found> {
  const { worker } = project;
  const inFile = options.secretsFile === undefined ? [] : await secretsInFile(tool, options.secretsFile);
  const [listed, there] = await Promise.allSettled([
    listVersions(tool, project, worker.name),
    // A Worker of its own begins without secrets.
    strategy === "version-url" ? secretsOf(tool, project, worker.name) : [],
  ]);
  const versions = valueOf(listed);
  // wrangler does not tell the secrets of a Worker that is not there.
  const secrets = [...inFile, ...(versions === undefined ? [] : valueOf(there))];
  const hasVersionUrl = options.versionUrl !== undefined;
  const exclusive = exclusiveIn(await resolvedConfig(project));
  requireNoProblem(problemsOf({ worker, secrets, strategy, hasVersionUrl, exclusive }));
  return { secrets, versions, hasTriggers: exclusive.length > 0 };
}

function valueOf<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === "fulfilled") return settled.value;
  throw settled.reason;
}

/** What a candidate is made from. */
interface Parts {
  readonly project: Project;
  readonly chosen: ChosenStrategy;
  readonly secrets: readonly string[];
  readonly bundle: Bundle;
  readonly gitSha: string | undefined;
}

/**
 * With one Worker per version, each Restate gets Workers of its own: `prune` deletes a Worker when the Restate that it asks has
 * forgotten it, and cannot ask the others.
 */
async function candidateOf(
  { restate }: DeployContext,
  { project, chosen: { strategy, reason }, secrets, bundle, gitSha }: Parts,
): Promise<Candidate> {
  const config = await resolvedConfig(project);
  const owner = strategy === "worker-per-version" ? [new URL(requireUrl(restate.adminUrl, "admin")).host] : [];
  const assets = await assetsHash(project, config);
  const more = [strategy, ...owner, ...(assets === undefined ? [] : [assets])];
  const fingerprint = fingerprintOf({ bundle: bundle.hash, config, secrets, more });
  return { app: project.worker.name, platform: strategy, fingerprint, gitSha, reason };
}

function about({ worker, environment }: Project): string {
  return environment === undefined ? worker.name : `${worker.name} (${environment})`;
}
