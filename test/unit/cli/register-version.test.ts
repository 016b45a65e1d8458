import { createServer, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import type { DeployContext } from "../../../cli/deploy/platform-deployer.ts";
import { planRegistration, registrationOf } from "../../../cli/deploy/register-version.ts";
import { metadataOf } from "../../../cli/deployments/metadata.ts";
import { AdminClient } from "../../../src/admin/index.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const handler = { name: "run", input_description: "", output_description: "" };
const service = (revision: number, id: string): object => ({
  name: "Clerk",
  ty: "Service",
  revision,
  deployment_id: id,
  public: true,
  handlers: [handler],
});

/** A Restate in which the service `Clerk` is of a deployment with this metadata. */
async function contextWith(metadata: Readonly<Record<string, string>>, breaking = false): Promise<DeployContext> {
  const answer = async (request: IncomingMessage): Promise<object> => {
    const asked = `${request.method} ${request.url}`;
    if (asked === "GET /services") return { services: [service(1, "dp_1")] };
    if (asked === "GET /deployments") {
      const deployment = {
        id: "dp_1",
        uri: "https://a.example.com/v/1",
        http_version: "HTTP/2.0",
        created_at: new Date(0).toISOString(),
        min_protocol_version: 5,
        max_protocol_version: 6,
        services: [{ name: "Clerk", revision: 1 }],
        metadata,
      };
      return { deployments: [deployment] };
    }
    expect(JSON.parse(await text(request))).toMatchObject({ dry_run: true });
    return { id: "dp_2", services: [service(2, "dp_2")] };
  };
  const server = createServer((request, response) => {
    void answer(request).then((body) => {
      response.writeHead(request.method === "POST" ? 201 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  // What of a deployment's context a registration asks for.
  return { admin: new AdminClient({ url: `http://127.0.0.1:${port}` }), options: { breaking } } as DeployContext;
}

const of = (app: string): Record<string, string> =>
  metadataOf({ app, platform: "version-url", version: "1", fingerprint: "f" });
const wanted = registrationOf(
  "/restate",
  { app: "agents", platform: "version-url", fingerprint: "f2" },
  { version: "2", url: "https://2-agents.acme.workers.dev", isNew: true },
);

test("a service that is another app's is not taken over silently", async () => {
  await expect(planRegistration(await contextWith(of("billing")), wanted)).rejects.toMatchObject({
    code: "service-of-another-app",
    exitCode: 3,
    message: "Cannot register agents with this Restate: Clerk is a service of the app billing",
    hint: expect.stringContaining("--breaking") as string,
    details: { foreign: [{ service: "Clerk", app: "billing" }] },
  });
});

test("with --breaking it is taken over", async () => {
  const { report } = await planRegistration(await contextWith(of("billing"), true), wanted);
  expect(report.services).toMatchObject([{ name: "Clerk", change: "updated" }]);
});

test.each([
  ["of the same app", of("agents")],
  ["of a deployment that nobody claims", {}],
])("a service %s is updated", async (_, metadata) => {
  const { report, isLatest } = await planRegistration(await contextWith(metadata), wanted);
  expect({ isLatest, services: report.services }).toMatchObject({
    isLatest: false,
    services: [{ name: "Clerk", change: "updated", previous: { deploymentId: "dp_1" } }],
  });
});
