/**
 * A Worker of the account: its versions, which never change, and its deployments, of which the newest says what the Worker's
 * own address serves.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { ApiError, CODE } from "./envelope.ts";
import type { Binding, Upload } from "./upload.ts";

/** An uploaded version. */
export interface Version {
  readonly id: string;
  /** 1, 2, … */
  readonly number: number;
  readonly createdAt: string;
  readonly modules: Upload["modules"];
  readonly compatibilityDate: string | undefined;
  readonly compatibilityFlags: readonly string[];
  /** With the inherited ones, and the values of secrets. */
  readonly bindings: readonly Binding[];
  readonly annotations: Readonly<Record<string, string>>;
  /** False for a Worker that implements a Durable Object: its versions have no addresses. */
  readonly hasPreview: boolean;
}

/** What the Worker's own address serves since then. */
export interface Deployment {
  readonly id: string;
  readonly createdAt: string;
  readonly versions: readonly { readonly version_id: string; readonly percentage: number }[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** Types of bindings with values that are never shown. */
const SECRET_TYPES: ReadonlySet<string> = new Set(["secret_text", "secret_key"]);

/** One Worker. */
export class WorkerScript {
  readonly name: string;
  readonly tag: string = randomBytes(16).toString("hex");
  readonly createdAt: string = now();
  readonly versions: Version[] = [];
  readonly deployments: Deployment[] = [];
  /** Whether its address, and those of its versions, are served. */
  subdomain = { enabled: false, previews_enabled: false };
  /** Settings that belong to no version. */
  settings: Readonly<Record<string, unknown>> = {};
  migrationTag: string | undefined;
  /** Classes of its Durable Objects, and whether they store in SQLite. */
  readonly durableObjects = new Map<string, boolean>();

  constructor(name: string) {
    this.name = name;
  }

  /** The newest version. */
  get latest(): Version | undefined {
    return this.versions.at(-1);
  }

  /** The version that its address serves; of several, the one with the most requests. */
  get promoted(): Version | undefined {
    const traffic = this.deployments.at(-1)?.versions ?? [];
    const most = [...traffic].sort((a, b) => b.percentage - a.percentage)[0];
    return this.versions.find(({ id }) => id === most?.version_id);
  }

  /** @throws ApiError 100181 */
  version(id: string): Version {
    const version = this.versions.find((other) => other.id === id);
    if (version === undefined) throw new ApiError(404, CODE.unknownVersion, `Version ${id} does not exist`);
    return version;
  }

  /** Adds what was uploaded, with what it inherits. @throws ApiError 10057 for a binding that there is none to inherit of. */
  upload(upload: Upload, triggeredBy: string): Version {
    this.#migrate(upload);
    return this.#add({
      modules: upload.modules,
      compatibilityDate: upload.compatibilityDate,
      compatibilityFlags: upload.compatibilityFlags,
      bindings: this.#withInherited(upload),
      annotations: { ...upload.annotations, "workers/triggered_by": triggeredBy },
    });
  }

  /** A version as the latest one, with other secrets; null removes one. @throws ApiError 10222 without a version */
  withSecrets(secrets: Readonly<Record<string, string | null>>, annotations: Version["annotations"]): Version {
    const { latest } = this;
    if (latest === undefined) throw new ApiError(404, CODE.noVersions, "The Worker has no versions");
    const kept = latest.bindings.filter(({ name }) => !(name in secrets));
    const added = Object.entries(secrets).flatMap(([name, text]) =>
      text === null ? [] : [{ name, type: "secret_text", text }],
    );
    return this.#add({
      ...latest,
      bindings: [...kept, ...added],
      annotations: { ...annotations, "workers/triggered_by": "secret" },
    });
  }

  deploy(versions: Deployment["versions"], annotations: Deployment["annotations"]): Deployment {
    for (const { version_id: id } of versions) this.version(id);
    const deployment: Deployment = { id: randomUUID(), createdAt: now(), versions, annotations };
    this.deployments.push(deployment);
    return deployment;
  }

  /** The latest version's bindings, without the values of secrets. */
  shownBindings(version = this.latest): Binding[] {
    return (version?.bindings ?? []).map((binding) =>
      SECRET_TYPES.has(binding.type) ? { name: binding.name, type: binding.type } : binding,
    );
  }

  #add(version: Omit<Version, "id" | "number" | "createdAt" | "hasPreview">): Version {
    const added: Version = {
      ...version,
      id: randomUUID(),
      number: this.versions.length + 1,
      createdAt: now(),
      hasPreview: this.durableObjects.size === 0,
    };
    this.versions.push(added);
    return added;
  }

  #migrate({ migrations }: Upload): void {
    if (migrations === undefined) return;
    this.migrationTag = migrations.new_tag;
    for (const { new_classes: plain = [], new_sqlite_classes: sqlite = [] } of migrations.steps ?? []) {
      for (const name of plain as readonly string[]) this.durableObjects.set(name, false);
      for (const name of sqlite as readonly string[]) this.durableObjects.set(name, true);
    }
  }

  #withInherited({ bindings, keepBindings }: Upload): Binding[] {
    const before = this.latest?.bindings ?? [];
    const own = bindings.map((binding) => {
      if (binding.type !== "inherit") return binding;
      const inherited = before.find(({ name }) => name === binding.name);
      if (inherited !== undefined) return inherited;
      const message = `inherit binding '${binding.name}' is invalid: the latest version has no such binding`;
      throw new ApiError(400, CODE.invalidInherit, message);
    });
    const names = new Set(own.map(({ name }) => name));
    return [...own, ...before.filter(({ name, type }) => keepBindings.includes(type) && !names.has(name))];
  }
}

function now(): string {
  return new Date().toISOString();
}
