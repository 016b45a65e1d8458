/** The state of an organization of Deno Deploy: apps, their revisions, and layers. */
import { randomBytes, randomUUID } from "node:crypto";

/** A variable, as it is set. */
export interface StoredVariable {
  readonly key: string;
  readonly value: string;
  readonly secret?: boolean;
  readonly contexts?: "all" | readonly string[];
}

/** A file that was uploaded. */
export interface StoredAsset {
  readonly kind?: string;
  readonly encoding?: string;
  readonly content: string;
}

export type Status = "queued" | "building" | "succeeded" | "failed";

/** A revision. Its code never changes. */
export interface StoredRevision {
  readonly id: string;
  readonly app: string;
  readonly assets: Readonly<Record<string, StoredAsset>>;
  readonly config: StoredConfig;
  readonly labels: Readonly<Record<string, string>>;
  readonly production: boolean;
  readonly createdAt: string;
  status: Status;
  failureReason: string | null;
  readonly log: string[];
}

export interface StoredConfig {
  readonly install?: string | null;
  readonly runtime?: { readonly type?: string; readonly entrypoint?: string };
}

/** An app. */
export interface StoredApp {
  readonly id: string;
  readonly slug: string;
  labels: Readonly<Record<string, string>>;
  layers: readonly string[];
  config: StoredConfig;
  readonly variables: Map<string, StoredVariable>;
  /** The oldest first. */
  readonly revisions: StoredRevision[];
  /** What production serves. */
  active: StoredRevision | undefined;
}

/** Variables that apps share. */
export interface StoredLayer {
  readonly id: string;
  readonly slug: string;
  readonly variables: Map<string, StoredVariable>;
}

export interface AppInit {
  readonly slug: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly layers?: readonly string[];
  readonly config?: StoredConfig;
  readonly env_vars?: readonly StoredVariable[];
}

export class Organization {
  readonly slug: string;
  readonly apps = new Map<string, StoredApp>();
  readonly layers = new Map<string, StoredLayer>();

  constructor(slug: string) {
    this.slug = slug;
  }

  create({ slug, labels = {}, layers = [], config = {}, env_vars = [] }: AppInit): StoredApp {
    const variables = new Map(env_vars.map((one) => [one.key, one]));
    const app = { id: randomUUID(), slug, labels, layers, config, variables, revisions: [], active: undefined };
    this.apps.set(slug, app);
    return app;
  }

  addLayer(slug: string, variables: readonly StoredVariable[]): StoredLayer {
    const layer = { id: randomUUID(), slug, variables: new Map(variables.map((one) => [one.key, one])) };
    this.layers.set(layer.id, layer);
    return layer;
  }

  app(idOrSlug: string): StoredApp | undefined {
    return this.apps.get(idOrSlug) ?? [...this.apps.values()].find(({ id }) => id === idOrSlug);
  }

  addRevision(
    app: StoredApp,
    init: Pick<StoredRevision, "assets" | "config" | "labels" | "production">,
  ): StoredRevision {
    const id = randomBytes(6).toString("hex");
    const createdAt = new Date().toISOString();
    const revision: StoredRevision = {
      ...init,
      id,
      app: app.slug,
      createdAt,
      status: "queued",
      failureReason: null,
      log: [],
    };
    app.revisions.push(revision);
    return revision;
  }

  revision(id: string): StoredRevision | undefined {
    return [...this.apps.values()].flatMap(({ revisions }) => revisions).find((one) => one.id === id);
  }

  hostOf(slug: string): string {
    return `${slug}.${this.slug}.deno.net`;
  }

  /** What a host name leads to, and with which variables: those of production, or of the context "Development". */
  at(host: string): { readonly revision: StoredRevision; readonly context: string } | undefined {
    const suffix = `.${this.slug}.deno.net`;
    if (!host.endsWith(suffix)) return undefined;
    const name = host.slice(0, -suffix.length);
    const active = this.apps.get(name)?.active;
    if (active !== undefined) return { revision: active, context: "production" };
    const all = [...this.apps.values()].flatMap(({ revisions }) => revisions);
    const preview = all.find(({ app, id, status }) => `${app}-${id}` === name && status === "succeeded");
    return preview === undefined ? undefined : { revision: preview, context: "development" };
  }

  /** Variables of a revision in a context: an app's go before those of its layers. */
  environment({ app: slug }: StoredRevision, context: string): Record<string, string> {
    const app = this.apps.get(slug);
    const layers = (app?.layers ?? []).flatMap((id) => [...(this.layers.get(id)?.variables.values() ?? [])]);
    const all = [...layers, ...(app?.variables.values() ?? [])];
    const isIn = ({ contexts = "all" }: StoredVariable): boolean => contexts === "all" || contexts.includes(context);
    return Object.fromEntries(all.filter(isIn).map(({ key, value }) => [key, value]));
  }
}
