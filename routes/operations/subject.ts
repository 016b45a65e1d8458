/** What a request is about, in names that a log may hold: patterns of paths, and services of this app. Never a key. */
import type { Context } from "hono";
import { matchedRoutes } from "hono/route";
import { splitVersion } from "../../src/endpoint/version.ts";
import type { ServiceShape } from "./service-shape.ts";

/** Header with the id of the invocation that Restate sends to the endpoint. */
const INVOCATION_ID_HEADER = "x-restate-invocation-id";
const INVOCATION_ID = /^inv_[A-Za-z0-9]{1,64}$/;

/** What a request is about. */
export interface Subject {
  readonly route: string | null;
  readonly invocationId?: string | undefined;
  readonly service?: string | undefined;
  readonly handler?: string | undefined;
}

type Shapes = ReadonlyMap<string, ServiceShape>;

/** The subject of a request that a route handled, or would have. */
export function subjectOf(context: Context, shapes: Shapes, answer: Response): Subject {
  const route = matchedRoutes(context).findLast(({ method }) => method !== "ALL");
  if (route === undefined) return { route: null };
  const parameters: Readonly<Record<string, string | undefined>> = context.req.param();
  const ids = [answer.headers.get("x-restate-id"), parameters["id"]];
  return {
    route: route.path.replaceAll(/:([^/{]+)(\{[^/]*\})?/g, "{$1}"),
    invocationId: ids.find(isInvocationId) ?? undefined,
    ...known(shapes, parameters["service"] ?? parameters["object"] ?? parameters["agent"], parameters["handler"]),
  };
}

/**
 * The subject of a request below the Restate endpoint's `mount`. Anyone may send one, so only known names count, and no
 * version is shown.
 */
export function restateSubjectOf(request: Request, path: string, mount: string, shapes: Shapes): Subject {
  const { version, rest } = splitVersion(path.slice(mount.length));
  const base = version === undefined ? mount : `${mount}/v/{version}`;
  const [, kind = "", service, last] = rest.split("/");
  const id = request.headers.get(INVOCATION_ID_HEADER);
  return {
    route:
      kind === "invoke" ? `${base}/invoke/{service}/{handler}` : kind === "discover" ? `${base}/discover` : `${base}/*`,
    invocationId: isInvocationId(id) ? id : undefined,
    ...known(shapes, service, kind === "invoke" ? last : undefined),
  };
}

function isInvocationId(value: string | null | undefined): value is string {
  return typeof value === "string" && INVOCATION_ID.test(value);
}

function known(shapes: Shapes, service = "", handler = ""): Pick<Subject, "service" | "handler"> {
  const shape = shapes.get(service);
  if (shape === undefined) return {};
  return { service, handler: shape.handlers.has(handler) ? handler : undefined };
}
