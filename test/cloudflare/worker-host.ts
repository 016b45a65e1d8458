/** Serves uploaded versions in workerd, through Miniflare. A version is started by its first request. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type * as miniflare from "miniflare";
import { ApiError, CODE } from "./envelope.ts";
import type { Binding } from "./upload.ts";
import type { Version, WorkerScript } from "./worker-script.ts";

type MiniflareModule = typeof miniflare;
type Miniflare = miniflare.Miniflare;
type Bindings = Record<string, unknown>;

/** Where the modules of a Worker would be. Nothing is there: their contents are given. */
const ROOT = "/worker";

/** Of what Workers print, the last lines are kept. */
const LOG_LINES = 1_000;

/** The running versions. */
export class WorkerHost {
  /** What Workers printed. */
  readonly log: string[] = [];
  /** Folder for what Workers store. */
  readonly #folder: string;
  readonly #running = new Map<string, Promise<Miniflare>>();
  readonly #certificates: string[] = [];
  #miniflare: Promise<MiniflareModule> | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * All Workers trust the certificate (PEM).
   *
   * @throws Error once a Worker has been started: Miniflare reads what it trusts when it is loaded.
   */
  trust(certificate: string): void {
    if (this.#miniflare !== undefined) throw new Error("Cannot trust another certificate: a Worker was started before");
    this.#certificates.push(certificate);
  }

  /** Where the version answers on loopback. */
  async urlOf(worker: WorkerScript, version: Version): Promise<URL> {
    let starting = this.#running.get(version.id);
    if (starting === undefined) {
      starting = this.#start(worker, version);
      this.#running.set(version.id, starting);
    }
    return (await starting).ready;
  }

  /** Ends the versions for which `isGone` holds. */
  async dispose(isGone: (versionId: string) => boolean = () => true): Promise<void> {
    const gone = [...this.#running].filter(([id]) => isGone(id));
    for (const [id] of gone) this.#running.delete(id);
    await Promise.allSettled(gone.map(async ([, starting]) => (await starting).dispose()));
  }

  async #start(worker: WorkerScript, version: Version): Promise<Miniflare> {
    this.#miniflare ??= this.#load();
    const { convertV4MiniflareOptions, Miniflare, NoOpLog } = await this.#miniflare;
    const options: miniflare.V4MiniflareOptions = {
      name: worker.name,
      log: new NoOpLog(),
      handleStructuredLogs: ({ message }) => {
        this.log.push(`${worker.name} ${version.number}: ${message}`);
        if (this.log.length > LOG_LINES) this.log.shift();
      },
      host: "127.0.0.1",
      port: 0,
      cf: false,
      resourcePersistencePath: join(this.#folder, worker.name),
      modulesRoot: ROOT,
      modules: version.modules.map(({ name, type, contents }) => ({ type, path: join(ROOT, name), contents })),
      ...(version.compatibilityDate === undefined ? {} : { compatibilityDate: version.compatibilityDate }),
      compatibilityFlags: [...version.compatibilityFlags],
      ...bindingsOf(worker, version),
    };
    return new Miniflare(convertV4MiniflareOptions(options));
  }

  async #load(): Promise<MiniflareModule> {
    const path = join(this.#folder, "trusted.pem");
    await writeFile(path, this.#certificates.join("\n"));
    const before = process.env["NODE_EXTRA_CA_CERTS"];
    process.env["NODE_EXTRA_CA_CERTS"] = path;
    try {
      return await import("miniflare");
    } finally {
      if (before === undefined) delete process.env["NODE_EXTRA_CA_CERTS"];
      else process.env["NODE_EXTRA_CA_CERTS"] = before;
    }
  }
}

/** The bindings as Miniflare names them. @throws ApiError 10021 for a type that the look-alike cannot serve. */
function bindingsOf(worker: WorkerScript, version: Version): Bindings {
  const bindings: Bindings = {};
  const r2Buckets: Bindings = {};
  const kvNamespaces: Bindings = {};
  const durableObjects: Bindings = {};
  for (const binding of version.bindings) {
    const { name, type } = binding;
    if (type === "plain_text" || type === "secret_text") bindings[name] = binding["text"];
    else if (type === "json") bindings[name] = binding["json"];
    else if (type === "version_metadata") bindings[name] = versionMetadata(version);
    else if (type === "r2_bucket") r2Buckets[name] = binding["bucket_name"];
    else if (type === "kv_namespace") kvNamespaces[name] = binding["namespace_id"];
    else if (type === "durable_object_namespace") durableObjects[name] = durableObject(worker, binding);
    else throw new ApiError(400, CODE.invalidUpload, `The look-alike has no bindings of type ${type}: ${name}`);
  }
  return { bindings, r2Buckets, kvNamespaces, durableObjects };
}

/** https://developers.cloudflare.com/workers/runtime-apis/bindings/version-metadata/ */
function versionMetadata({ id, createdAt, annotations }: Version): object {
  return { id, tag: annotations["workers/tag"] ?? "", timestamp: createdAt };
}

function durableObject(worker: WorkerScript, binding: Binding): object {
  const className = String(binding["class_name"]);
  return { className, useSQLite: worker.durableObjects.get(className) ?? false };
}
