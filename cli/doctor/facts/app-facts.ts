import { likelyMainUrlOf } from "../../deployments/main-url.ts";
import type { RegisteredVersion } from "../../deployments/registered.ts";
import type { Project } from "../../project/project.ts";
import type { Tool } from "../../tool/tool.ts";
import { NotKnown } from "../check.ts";
import { isOfApp, mountIn } from "./app-urls.ts";
import type { DoctorFlags } from "./facts.ts";
import { once } from "./once.ts";
import { type Answered, jsonOf, type Probe, probe } from "../../http/probe.ts";
import type { Discovery, RestateFacts } from "./restate-facts.ts";

/** A check of the app's own `GET /ready`. */
export interface ReadyCheck {
  readonly name: string;
  readonly status: string;
  readonly detail: string;
}

/** What app facts are made from. */
interface Sources {
  readonly tool: Tool;
  readonly flags: DoctorFlags;
  readonly project: Project | undefined;
  /** There is a project, and it cannot be read. */
  readonly isUnreadable: boolean;
  readonly restate: RestateFacts;
}

const DEFAULT_MOUNT = "/restate";

/** What the app says at its main URL. */
export class AppFacts {
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** Name of the app; undefined where nothing tells it. */
  get name(): string | undefined {
    return this.#sources.flags.app ?? this.#sources.project?.worker.name;
  }

  /** Its deployments in Restate. Without a name and a URL of the app, all are taken for its own. */
  readonly deployments = once(async (): Promise<readonly RegisteredVersion[]> => {
    const { flags, project, restate, isUnreadable } = this.#sources;
    if (isUnreadable && this.name === undefined) throw new NotKnown("The app's name is not known: see `project`");
    const app = { name: this.name, url: flags.url, domains: project?.worker.customDomains ?? [] };
    return (await restate.registered()).filter(({ deployment, facts }) => isOfApp(app, deployment.uri, facts));
  });

  /** Where the app is served, without a slash at its end. @throws NotKnown */
  readonly url = once(async (): Promise<string> => {
    const { flags, project } = this.#sources;
    if (flags.url !== undefined) return flags.url.replace(/\/+$/, "");
    const [domain] = project?.worker.customDomains ?? [];
    if (domain !== undefined) return `https://${domain}`;
    const found = (await this.deployments().catch(() => [])).map(likelyMainUrlOf).find((url) => url !== undefined);
    if (found !== undefined) return found;
    throw new NotKnown("The app's address is not known: pass --url https://…");
  });

  /** The URL of the Restate endpoint, whatever version answers there. @throws NotKnown */
  readonly endpoint = once(async (): Promise<string> => {
    const { flags } = this.#sources;
    const url = await this.url();
    if (flags.mount !== undefined) return url + flags.mount;
    const own = (await this.deployments()).find(({ deployment }) => deployment.uri !== undefined);
    return url + (own === undefined ? DEFAULT_MOUNT : mountIn(own.deployment.uri ?? ""));
  });

  /** What Restate finds there. @throws NotKnown */
  readonly discovery = once(async (): Promise<Discovery> => this.#sources.restate.discover(await this.endpoint()));

  readonly healthProbe = once(async (): Promise<Probe> => {
    return probe(`${await this.url()}/health`, this.#sources.tool.signal, { accept: "application/json" });
  });

  /** Which version answers at the main URL; null when it knows none. @throws NotKnown */
  readonly version = once(async (): Promise<string | null> => {
    const health = await this.#answered(this.healthProbe);
    const version = jsonOf(health)?.["version"];
    if (version !== null && typeof version !== "string") throw notOurs();
    return version;
  });

  /** What the app finds when it checks itself, from where it runs. @throws NotKnown */
  readonly ready = once(async (): Promise<readonly ReadyCheck[]> => {
    await this.#answered(this.healthProbe);
    const url = `${await this.url()}/ready`;
    const answer = await this.#answered(() =>
      probe(url, this.#sources.tool.signal, { accept: "application/json" }, 10_000),
    );
    const checks = jsonOf(answer)?.["checks"];
    if (!Array.isArray(checks)) throw notOurs();
    return checks as readonly ReadyCheck[];
  });

  async #answered(ask: () => Promise<Probe>): Promise<Answered> {
    const found = await ask();
    if (found.kind === "answered") return found;
    throw new NotKnown("The app does not answer: see `app-reachable`");
  }
}

function notOurs(): NotKnown {
  return new NotKnown("What answers at the app's address is not this app: see `app-reachable`");
}
