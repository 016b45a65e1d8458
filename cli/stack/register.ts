import { z } from "zod";

/** Where Restate finds the app. */
export interface DeploymentRequest {
  readonly uri: string;
  /** True for servers without cleartext HTTP/2, such as `wrangler dev`. */
  readonly use_http_11: boolean;
}

/** A service that Restate discovered. */
export interface RegisteredService {
  readonly name: string;
  /** `Service`, `VirtualObject` or `Workflow`. */
  readonly type: string;
  readonly handlers: readonly string[];
  /** False: the ingress does not let anybody call it. */
  readonly public: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The services that Restate discovered. */
export type Registered = readonly RegisteredService[];

const answerSchema = z.looseObject({
  services: z
    .array(
      z.looseObject({
        name: z.string(),
        ty: z.string(),
        handlers: z.array(z.looseObject({ name: z.string() })),
        public: z.boolean().default(true),
        metadata: z.record(z.string(), z.string()).default({}),
      }),
    )
    .default([]),
});

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
  const { services } = answerSchema.parse(body);
  return services.map(({ name, ty, handlers, public: isPublic, metadata }) => ({
    name,
    type: ty,
    handlers: handlers.map((handler) => handler.name),
    public: isPublic,
    metadata,
  }));
}

function messageOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("message" in body)) return undefined;
  return String(body.message);
}
