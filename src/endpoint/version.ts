/** Versions of an app, as they stand in the path of its endpoint (G10). */

/** `.` and `..` mean other things in a URL. */
const VERSION = "(?!\\.{1,2}(?:/|$))[A-Za-z0-9_.-]{1,64}";
const WHOLE = new RegExp(`^${VERSION}$`);
const SEGMENT = new RegExp(`^/v/(${VERSION})(?=/)`);

/** What `isVersion()` wants, in words for messages. */
export const VERSION_RULE = "1 to 64 letters, digits, dots, hyphens and underscores, and neither . nor ..";

/** True for a text that can stand in a path as a version. */
export function isVersion(text: string): boolean {
  return WHOLE.test(text);
}

/**
 * Path of the endpoint of one version: `<mount>/v/<version>`. A request to it is served by that version alone.
 *
 * @throws Error for a text that is no version; see `isVersion`.
 */
export function versionPath(mount: string, version: string): string {
  if (!isVersion(version))
    throw new Error(`Cannot make a path of the version "${version}": it must be ${VERSION_RULE}`);
  return `${mount}/v/${version}`;
}

/** Splits what follows the mount into the version that it names, if it names one, and what follows that. */
export function splitVersion(path: string): { readonly version: string | undefined; readonly rest: string } {
  const found = SEGMENT.exec(path);
  return found === null ? { version: undefined, rest: path } : { version: found[1], rest: path.slice(found[0].length) };
}
