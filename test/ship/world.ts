/** Everything outside of a project, on loopback: Cloudflare, Restate Cloud, a model provider, and a server that counts effects. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type EffectServer, startEffectServer } from "../../src/testing/effect-server.ts";
import { type RestateCloud, startRestateCloud } from "../../src/testing/restate-cloud.ts";
import { type ScriptedOpenAI, startScriptedOpenAI } from "../../src/testing/scripted-openai.ts";
import { type Cloudflare, startCloudflare } from "../cloudflare/cloudflare.ts";
import { type ClerkModel, clerkModel } from "./clerk-model.ts";
import { type ClerkProject, clerkProject } from "./clerk-project.ts";

/** A started world. */
export interface World extends AsyncDisposable {
  readonly cloudflare: Cloudflare;
  readonly restate: RestateCloud;
  readonly openai: ScriptedOpenAI;
  readonly model: ClerkModel;
  readonly effects: EffectServer;
  /** Environment of somebody who may deploy. */
  readonly env: Readonly<Record<string, string>>;
  /** The Worker's vars. */
  readonly vars: Readonly<Record<string, string>>;
  /** The Worker's secrets, for its first version. */
  readonly secretsFile: string;
  /** A project whose Worker and service have this name. */
  project(name: string, tables?: string): Promise<ClerkProject>;
}

export async function startWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const cloudflare = stack.use(await startCloudflare());
  const restate = stack.use(
    await startRestateCloud({ env: cloudflare.proxyEnv, retry: { initialIntervalMs: 50, maxIntervalMs: 500 } }),
  );
  cloudflare.trust(restate.certificate);
  const model = clerkModel();
  const openai = stack.adopt(await startScriptedOpenAI(model.script), (server) => server.close());
  const effects = stack.adopt(await startEffectServer(), (server) => server.close());
  const certificate = join(restate.baseDir, "authority.pem");
  await writeFile(certificate, `${restate.certificate}\n${cloudflare.certificate}`);
  const secretsFile = join(restate.baseDir, "secrets.json");
  await writeFile(secretsFile, JSON.stringify({ RESTATE_AUTH_TOKEN: restate.token }));
  const vars = {
    ENVIRONMENT: "production",
    RESTATE_IDENTITY_KEYS: restate.identityKey,
    RESTATE_INGRESS_URL: restate.ingressUrl,
    RESTATE_ADMIN_URL: restate.adminUrl,
    OPENAI_BASE_URL: openai.baseURL,
    EFFECT_URL: effects.url,
  };
  const all = stack.move();
  return {
    cloudflare,
    restate,
    openai,
    model,
    effects,
    env: { ...cloudflare.env, RESTATE_AUTH_TOKEN: restate.token, NODE_EXTRA_CA_CERTS: certificate },
    vars,
    secretsFile,
    project: (name, tables = "") => clerkProject({ worker: name.toLowerCase(), service: name, vars, tables }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
