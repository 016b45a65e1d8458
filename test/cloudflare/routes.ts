/** The part of Cloudflare's API that wrangler 4.164 uses for Workers. https://developers.cloudflare.com/api/resources/workers/ */
import { ApiError, CODE } from "./envelope.ts";
import { type Call, json, type Route, route } from "./route.ts";
import { secretRoutes } from "./secret-routes.ts";
import { AUTHOR, deploymentShape, serviceShape, versionShape, versionSummary, workerShape } from "./shapes.ts";
import { type Upload, readUpload } from "./upload.ts";
import type { Deployment, WorkerScript } from "./worker-script.ts";

const SCRIPT = "/accounts/:account/workers/scripts/:worker";

const userRoutes: readonly Route[] = [
  route("GET", "/user", () => AUTHOR),
  route("GET", "/user/tokens/verify", () => ({ id: AUTHOR.id, status: "active" })),
  route("GET", "/accounts", ({ account }) => [{ id: account.id, name: "Acme" }]),
  route("GET", "/memberships", ({ account }) => [
    { id: AUTHOR.id, account: { id: account.id, name: "Acme" }, roles: ["Administrator"] },
  ]),
];

const workerRoutes: readonly Route[] = [
  route("GET", "/accounts/:account/workers/subdomain", ({ account }) => ({ subdomain: account.subdomain })),
  route("GET", "/accounts/:account/workers/services/:worker", (call) => serviceShape(workerOf(call))),
  route("GET", "/accounts/:account/workers/workers/:worker", (call) => workerShape(call.account, workerOf(call))),
  route("GET", "/accounts/:account/workers/scripts", ({ account }) =>
    [...account.workers.values()].map(({ name, createdAt, migrationTag }) => ({
      id: name,
      created_on: createdAt,
      migration_tag: migrationTag,
    })),
  ),
  route("GET", `${SCRIPT}/settings`, (call) => {
    const worker = workerOf(call);
    return { bindings: worker.shownBindings(), tags: worker.settings["tags"] ?? [] };
  }),
  route("PATCH", `${SCRIPT}/script-settings`, (call) => {
    const worker = workerOf(call);
    worker.settings = { ...worker.settings, ...json<Record<string, unknown>>(call) };
    return worker.settings;
  }),
  route("GET", `${SCRIPT}/subdomain`, (call) => workerOf(call).subdomain),
  route("POST", `${SCRIPT}/subdomain`, (call) => {
    const { enabled, previews_enabled = enabled } = json<{ enabled: boolean; previews_enabled?: boolean }>(call);
    return (workerOf(call).subdomain = { enabled, previews_enabled });
  }),
  route("POST", `${SCRIPT}/tails`, (call) => {
    workerOf(call);
    return { id: AUTHOR.id, url: call.account.tailUrl, expires_at: new Date(Date.now() + 3_600_000).toISOString() };
  }),
  route("DELETE", `${SCRIPT}/tails/:tail`, () => null),
  route("PUT", `${SCRIPT}/schedules`, (call) => {
    const schedules = json<{ cron: string }[]>(call);
    const worker = workerOf(call);
    worker.settings = { ...worker.settings, schedules };
    return { schedules };
  }),
  route("PUT", SCRIPT, deployScript),
];

/** What `wrangler delete` asks before, and does. */
const deleteRoutes: readonly Route[] = [
  route("GET", `${SCRIPT}/references`, (call) => {
    workerOf(call);
    return { services: { incoming: [], outgoing: [], pages_function: false }, durable_objects: [] };
  }),
  route("GET", "/accounts/:account/workers/tails/by-consumer/:worker", () => []),
  route("GET", "/accounts/:account/workers/durable_objects/namespaces", () => []),
  route("GET", "/accounts/:account/storage/kv/namespaces", () => []),
  route("DELETE", "/accounts/:account/workers/services/:worker", (call) => {
    call.account.delete(call.part("worker"));
    return null;
  }),
];

const versionRoutes: readonly Route[] = [
  route("POST", `${SCRIPT}/versions`, async (call) => {
    const worker = workerOf(call);
    const upload = await uploadIn(call);
    if (upload.migrations !== undefined) {
      throw new ApiError(400, CODE.migrationInUpload, "Migrations must be fully applied by running `wrangler deploy`");
    }
    return versionShape(worker, worker.upload(upload, "version_upload"));
  }),
  route("GET", `${SCRIPT}/versions`, (call) => ({ items: [...workerOf(call).versions].reverse().map(versionSummary) })),
  route("GET", `${SCRIPT}/versions/:version`, (call) => {
    const worker = workerOf(call);
    return versionShape(worker, worker.version(call.part("version")));
  }),
  route("GET", `${SCRIPT}/deployments`, (call) => ({
    deployments: [...workerOf(call).deployments].reverse().map(deploymentShape),
  })),
  route("POST", `${SCRIPT}/deployments`, (call) => {
    type Body = Pick<Deployment, "versions"> & { readonly annotations?: Deployment["annotations"] };
    const { versions, annotations = {} } = json<Body>(call);
    return deploymentShape(workerOf(call).deploy(versions, { ...annotations, "workers/triggered_by": "deployment" }));
  }),
];

/** All of them. */
export const ROUTES: readonly Route[] = [
  ...userRoutes,
  ...workerRoutes,
  ...deleteRoutes,
  ...versionRoutes,
  ...secretRoutes,
];

/** The first deployment of a Worker, or one with a migration: uploaded and promoted at once. */
async function deployScript(call: Call): Promise<object> {
  const upload = await uploadIn(call);
  const name = call.part("worker");
  const worker = call.account.workers.get(name) ?? call.account.create(name);
  const version = worker.upload(upload, "upload");
  worker.deploy([{ version_id: version.id, percentage: 100 }], {
    ...upload.annotations,
    "workers/triggered_by": "upload",
  });
  return {
    id: name,
    tag: worker.tag,
    etag: version.id.replaceAll("-", ""),
    deployment_id: version.id.replaceAll("-", ""),
    startup_time_ms: 20,
    created_on: worker.createdAt,
    modified_on: version.createdAt,
    entry_point: upload.modules[0]?.name,
  };
}

function workerOf({ account, part }: Call): WorkerScript {
  return account.worker(part("worker"));
}

function uploadIn({ contentType, body }: Call): Promise<Upload> {
  return readUpload(contentType, body);
}
