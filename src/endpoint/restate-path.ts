/**
 * What Restate may ask of an endpoint, below its mount path and, if there is one, the version behind it. Everything else,
 * the SDK's own `/health` too, is not served.
 */
import { splitVersion } from "./version.ts";

const NAME = "[A-Za-z0-9_][A-Za-z0-9_.-]*";
/** What the SDK compares with a signature's audience when a path ends so, whatever comes before. */
const ENDS_LIKE_ANOTHER_PATH = "(?:.*/)?(?:discover|invoke/[^/]+/[^/]+)$";
/** A handler's serdes are named `<handler>/input` and `<handler>/output`, and Restate sends the slash as it is. */
const SERDE = `(?!${ENDS_LIKE_ANOTHER_PATH})${NAME}(?:/${NAME})*`;
const ROUTES: readonly { readonly method: string; readonly path: RegExp }[] = [
  { method: "GET", path: /^\/discover$/ },
  { method: "POST", path: new RegExp(`^/invoke/${NAME}/${NAME}$`) },
  { method: "POST", path: new RegExp(`^/serdes/${NAME}/(?:encode|decode)/${SERDE}$`) },
];

/**
 * Where a request goes: to Restate's SDK under `path`, nowhere, or nowhere with this method. `version`: the one that it is
 * for; undefined: any.
 */
export type RestatePath =
  | { readonly kind: "found"; readonly path: string; readonly version: string | undefined }
  | { readonly kind: "method-not-allowed"; readonly allow: string }
  | { readonly kind: "not-found" };

/**
 * Matches the raw path, before any decoding. No name has a character that Restate would encode, so a path with a `%` is
 * on no list: an encoded slash or dot is not a way around it.
 */
export function matchRestatePath(method: string, pathname: string, mount: string): RestatePath {
  if (!pathname.startsWith(`${mount}/`)) return { kind: "not-found" };
  const { version, rest: path } = splitVersion(pathname.slice(mount.length));
  const route = ROUTES.find((candidate) => candidate.path.test(path));
  if (route === undefined) return { kind: "not-found" };
  return route.method === method
    ? { kind: "found", path, version }
    : { kind: "method-not-allowed", allow: route.method };
}
