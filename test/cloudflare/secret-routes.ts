/** Secrets: changing one makes a version, which `wrangler secret` deploys at once and `wrangler versions secret` does not. */
import { ApiError, CODE } from "./envelope.ts";
import { type Call, json, type Route, route } from "./route.ts";
import { versionShape } from "./shapes.ts";
import type { WorkerScript } from "./worker-script.ts";

const SECRETS = "/accounts/:account/workers/scripts/:worker/secrets";

interface Secret {
  readonly name: string;
  readonly text: string;
}

export const secretRoutes: readonly Route[] = [
  route("GET", SECRETS, (call) =>
    workerOf(call)
      .shownBindings()
      .filter(({ type }) => type === "secret_text"),
  ),
  route("PUT", SECRETS, (call) => {
    const { name, text } = json<Secret>(call);
    deployWith(workerOf(call), { [name]: text });
    return { name, type: "secret_text" };
  }),
  route("DELETE", `${SECRETS}/:secret`, (call) => {
    deployWith(workerOf(call), { [decodeURIComponent(call.part("secret"))]: null });
    return null;
  }),
  route("PATCH", `${SECRETS}-bulk`, (call) => {
    const { secrets } = json<{ readonly secrets: Readonly<Record<string, Secret | null>> }>(call);
    deployWith(workerOf(call), textsOf(secrets));
    return null;
  }),
  route("PATCH", "/accounts/:account/workers/workers/:worker/versions/latest", (call) => {
    type Body = { readonly env: Record<string, Secret | null>; readonly annotations?: Record<string, string> };
    const { env, annotations = {} } = json<Body>(call);
    const worker = workerOf(call);
    return versionShape(worker, worker.withSecrets(textsOf(env), annotations));
  }),
];

function deployWith(worker: WorkerScript, secrets: Readonly<Record<string, string | null>>): void {
  if (worker.latest?.id !== worker.promoted?.id) {
    const message = "The latest version is not deployed: secrets of it cannot be changed without deploying it";
    throw new ApiError(400, CODE.latestNotDeployed, message);
  }
  const version = worker.withSecrets(secrets, {});
  worker.deploy([{ version_id: version.id, percentage: 100 }], { "workers/triggered_by": "secret" });
}

function textsOf(secrets: Readonly<Record<string, Pick<Secret, "text"> | null>>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, secret?.text ?? null]));
}

function workerOf({ account, part }: Call): WorkerScript {
  return account.worker(part("worker"));
}
