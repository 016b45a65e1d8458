import { ApiError, CODE } from "./envelope.ts";
import { type Version, WorkerScript } from "./worker-script.ts";

/** What an account is made of. */
export interface AccountInit {
  readonly id: string;
  readonly subdomain: string;
  readonly tailUrl: string;
  readonly onDelete: (worker: WorkerScript) => void;
}

/** An account with its Workers, and the names under which they are served. */
export class Account {
  readonly id: string;
  /** Workers are served below `<subdomain>.workers.dev`. */
  readonly subdomain: string;
  /** Where Workers' logs can be listened to. */
  readonly tailUrl: string;
  readonly workers = new Map<string, WorkerScript>();
  readonly #onDelete: (worker: WorkerScript) => void;

  constructor({ id, subdomain, tailUrl, onDelete }: AccountInit) {
    this.id = id;
    this.subdomain = subdomain;
    this.tailUrl = tailUrl;
    this.#onDelete = onDelete;
  }

  /** @throws ApiError 10007 */
  worker(name: string): WorkerScript {
    const worker = this.workers.get(name);
    if (worker === undefined) {
      throw new ApiError(404, CODE.notFound, `This Worker does not exist on your account: ${name}`);
    }
    return worker;
  }

  create(name: string): WorkerScript {
    const worker = new WorkerScript(name);
    this.workers.set(name, worker);
    return worker;
  }

  /** Nobody answers under its names any more. @throws ApiError 10007 */
  delete(name: string): void {
    const worker = this.worker(name);
    this.workers.delete(name);
    this.#onDelete(worker);
  }

  /** Domain of a Worker's own address. */
  hostOf(worker: string): string {
    return `${worker}.${this.subdomain}.workers.dev`;
  }

  /** What follows a version's first 8 characters, or an alias, in its address. */
  previewSuffix(worker: string): string {
    return `-${this.hostOf(worker)}`;
  }

  /** Who answers for a host name; undefined when nobody does. */
  at(host: string): { readonly worker: WorkerScript; readonly version: Version } | undefined {
    for (const worker of this.workers.values()) {
      const version = this.#versionAt(host, worker);
      if (version !== undefined) return { worker, version };
    }
    return undefined;
  }

  #versionAt(host: string, worker: WorkerScript): Version | undefined {
    const { enabled, previews_enabled: previews } = worker.subdomain;
    if (host === this.hostOf(worker.name)) return enabled ? worker.promoted : undefined;
    const suffix = this.previewSuffix(worker.name);
    if (!previews || !host.endsWith(suffix)) return undefined;
    const prefix = host.slice(0, -suffix.length);
    // The newest one that was uploaded with the alias has it.
    return worker.versions.findLast(
      ({ id, hasPreview, annotations }) =>
        hasPreview && (id.slice(0, 8) === prefix || annotations["workers/alias"] === prefix),
    );
  }
}
