/** What the routes of the Admin API have in common. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AdminClient } from "../../src/admin/admin-client.ts";
import { ADMIN_TOKEN_SCHEME } from "../openapi.ts";
import { HttpProblem } from "../problem.ts";
import { problems } from "../router.ts";
import { restateAddress, settingsOf } from "../settings.ts";

/** A client of the Restate that this request's settings name. */
export function adminClient(context: Context): AdminClient {
  return new AdminClient(restateAddress(settingsOf(context), "admin"));
}

/** Every operation asks for the admin token. */
export const ADMIN_SECURITY: Record<string, string[]>[] = [{ [ADMIN_TOKEN_SCHEME]: [] }];

/** What every operation may answer with: bad request, no token, unknown, Restate's trouble. */
export const ADMIN_PROBLEMS: ReturnType<typeof problems<400 | 401 | 404 | 502 | 503>> = problems(
  400,
  401,
  404,
  502,
  503,
);

/** What an operation with a body may answer with besides. */
export const BODY_PROBLEMS: ReturnType<typeof problems<408 | 409 | 413 | 415 | 422>> = problems(
  408,
  409,
  413,
  415,
  422,
);

/** The body of a request. It has to be there. */
export function jsonBody<SCHEMA extends z.ZodType>(
  schema: SCHEMA,
): { required: true; content: { "application/json": { schema: SCHEMA } } } {
  return { required: true, content: { "application/json": { schema } } };
}

/** A parameter of the path. */
export function pathParameter<const NAME extends string>(
  name: NAME,
  pattern: RegExp,
  example: string,
): z.ZodObject<Record<NAME, z.ZodType<string>>> {
  const value: z.ZodType<string> = z
    .string()
    .regex(pattern, `must be such as ${example}`)
    .openapi({ param: { name, in: "path" }, example });
  return z.object({ [name]: value } as Record<NAME, z.ZodType<string>>);
}

/** A switch in the query: `true` or `false`. */
export const querySwitch: z.ZodType<boolean | undefined> = z
  .enum(["true", "false"])
  .transform((value) => value === "true")
  .optional();

/** Refuses (501) what this Restate would accept without doing it. */
export async function requireVirtualQueues(admin: AdminClient): Promise<void> {
  const { version, features } = await admin.version();
  if (features["vqueues"] === true) return;
  throw new HttpProblem(
    "unsupported-by-server",
    501,
    `Restate ${version} has no flow control switched on: it needs 1.7, started with RESTATE_EXPERIMENTAL_ENABLE_VQUEUES and RESTATE_EXPERIMENTAL_ENABLE_PROTOCOL_V7`,
  );
}
