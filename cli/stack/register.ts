/** Where Restate finds the app. */
export interface DeploymentRequest {
  readonly uri: string;
  /** True for servers without cleartext HTTP/2, such as `wrangler dev`. */
  readonly use_http_11: boolean;
}

/** Names of the services that Restate discovered. */
export type Registered = readonly string[];

/**
 * Registers the app with Restate, in place of what was registered for the same address.
 *
 * @throws {Error} When Restate cannot discover it; the message is Restate's.
 */
export async function register(adminUrl: string, deployment: DeploymentRequest): Promise<Registered> {
  const response = await fetch(`${adminUrl}/deployments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...deployment, force: true }),
    signal: AbortSignal.timeout(30_000),
  });
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok) throw new Error(messageOf(body) ?? `Restate answered ${response.status}`);
  return servicesOf(body);
}

function messageOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("message" in body)) return undefined;
  return String(body.message);
}

function servicesOf(body: unknown): Registered {
  if (typeof body !== "object" || body === null || !("services" in body)) return [];
  const services: unknown[] = Array.isArray(body.services) ? body.services : [];
  return services.flatMap((service) =>
    typeof service === "object" && service !== null && "name" in service ? [String(service.name)] : [],
  );
}
