/** What each call of Deno Deploy's API does. */
import type {
  Organization,
  StoredApp,
  StoredAsset,
  StoredConfig,
  StoredRevision,
  StoredVariable,
} from "./organization.ts";

/** A refusal, as the API words it. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** What a route works with. */
export interface RouteCall {
  readonly organization: Organization;
  /** The part of the path in parentheses. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  /** Begins a build. */
  readonly build: (revision: StoredRevision) => void;
}

/** Status and body; a text is sent as NDJSON. */
type Answer = readonly [number, unknown];

export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly handle: (call: RouteCall) => Answer;
}

interface AppBody {
  readonly slug?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly layers?: readonly string[];
  readonly config?: StoredConfig;
  readonly env_vars?: readonly StoredVariable[];
}

interface DeployBody {
  readonly assets?: Readonly<Record<string, StoredAsset>>;
  readonly config?: StoredConfig;
  readonly labels?: Readonly<Record<string, string>>;
  readonly production?: boolean;
}

export const ROUTES: readonly Route[] = [
  { method: "POST", pattern: /^\/apps$/, handle: create },
  { method: "GET", pattern: /^\/apps\/([^/]+)$/, handle: (call) => [200, shapeOf(call.organization, appIn(call))] },
  { method: "PATCH", pattern: /^\/apps\/([^/]+)$/, handle: update },
  { method: "DELETE", pattern: /^\/apps\/([^/]+)$/, handle: remove },
  { method: "POST", pattern: /^\/apps\/([^/]+)\/deploy$/, handle: deploy },
  { method: "GET", pattern: /^\/apps\/([^/]+)\/revisions$/, handle: revisions },
  { method: "GET", pattern: /^\/apps\/([^/]+)\/timelines$/, handle: timelines },
  { method: "GET", pattern: /^\/revisions\/([^/]+)$/, handle: (call) => [200, revisionShape(revisionIn(call))] },
  { method: "GET", pattern: /^\/revisions\/([^/]+)\/build_logs$/, handle: buildLogs },
];

/** Names that the platform keeps for itself. */
const RESERVED = /^(?:DENO_(?!AUTH_TOKENS|COMPAT|CONDITIONS|DEPLOY_ENDPOINT|DEPLOY_TOKEN)|LD_|OTEL_)/;
const SLUG = /^[a-z][a-z0-9-]{2,62}$/;

function create({ organization, body }: RouteCall): Answer {
  const { slug = "", env_vars = [], ...rest } = body as AppBody;
  if (!SLUG.test(slug)) throw new ApiRefusal(400, "INVALID_APP_SLUG", `The slug '${slug}' is invalid`);
  if (organization.apps.has(slug)) throw new ApiRefusal(409, "APP_SLUG_IN_USE", `The slug '${slug}' is in use`);
  requireVariables(env_vars);
  requireLayers(organization, rest.layers);
  return [200, shapeOf(organization, organization.create({ slug, env_vars, ...rest }))];
}

function update(call: RouteCall): Answer {
  const app = appIn(call);
  const { labels = app.labels, layers = app.layers, config = app.config, env_vars = [] } = call.body as AppBody;
  requireVariables(env_vars);
  requireLayers(call.organization, layers);
  Object.assign(app, { labels, layers, config });
  for (const variable of env_vars) app.variables.set(variable.key, { ...app.variables.get(variable.key), ...variable });
  return [200, shapeOf(call.organization, app)];
}

function remove(call: RouteCall): Answer {
  call.organization.apps.delete(appIn(call).slug);
  return [204, undefined];
}

function deploy(call: RouteCall): Answer {
  const app = appIn(call);
  const { assets, config = app.config, labels = {}, production = true } = call.body as DeployBody;
  if (assets === undefined) throw new ApiRefusal(400, "INVALID_REQUEST", "assets is required");
  const revision = call.organization.addRevision(app, { assets, config, labels, production });
  call.build(revision);
  return [202, revisionShape(revision)];
}

function revisions(call: RouteCall): Answer {
  const limit = Number(call.query.get("limit") ?? "30");
  return [200, appIn(call).revisions.toReversed().slice(0, limit).map(revisionShape)];
}

function timelines(call: RouteCall): Answer {
  const app = appIn(call);
  const { organization } = call;
  const production = {
    slug: "production",
    partition: {},
    app: { id: app.id, slug: app.slug },
    context: { slug: "production" },
    domains: [{ domain: organization.hostOf(app.slug) }],
  };
  const previews = app.revisions.map(({ id }) => ({
    slug: `preview/${id}`,
    partition: { "deno.revision.id": id },
    app: { id: app.id, slug: app.slug },
    context: { slug: "development" },
    domains: [{ domain: organization.hostOf(`${app.slug}-${id}`) }],
  }));
  return [200, [...previews, production]];
}

function buildLogs(call: RouteCall): Answer {
  const lines = revisionIn(call).log.map((message) => JSON.stringify({ level: "info", step: "building", message }));
  return [200, lines.join("\n")];
}

function appIn({ organization, id }: RouteCall): StoredApp {
  const app = organization.app(id);
  if (app === undefined) throw new ApiRefusal(404, "APP_NOT_FOUND", "The requested app was not found");
  return app;
}

function revisionIn({ organization, id }: RouteCall): StoredRevision {
  const revision = organization.revision(id);
  if (revision === undefined) throw new ApiRefusal(404, "REVISION_NOT_FOUND", "The requested revision was not found");
  return revision;
}

/** Nobody is told the value of a secret. */
function shapeOf({ layers }: Organization, app: StoredApp): object {
  const variables = [...app.variables.values()].map(({ key, value, secret = false, contexts = "all" }) => ({
    id: `env_${key}`,
    key,
    secret,
    contexts,
    ...(secret ? {} : { value }),
  }));
  const { id, slug, labels, config } = app;
  const references = app.layers.map((layer) => ({ id: layer, slug: layers.get(layer)?.slug }));
  return { id, slug, labels, config, env_vars: variables, layers: references };
}

function revisionShape({ id, status, failureReason, labels, config, createdAt }: StoredRevision): object {
  return { id, status, failure_reason: failureReason, labels, config, layers: [], env_vars: [], created_at: createdAt };
}

function requireVariables(variables: readonly StoredVariable[]): void {
  const wrong = variables.find(({ key, value }) => RESERVED.test(key) || value.length > 16_384);
  if (wrong !== undefined) throw new ApiRefusal(400, "INVALID_ENV_VAR", `The variable '${wrong.key}' is invalid`);
}

function requireLayers({ layers }: Organization, wanted: readonly string[] = []): void {
  const wrong = wanted.find((layer) => !layers.has(layer));
  if (wrong !== undefined) throw new ApiRefusal(404, "LAYER_NOT_FOUND", `The layer '${wrong}' was not found`);
}
