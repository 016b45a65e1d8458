/** Names and labels of the apps that versions have of their own. */
import type { App } from "./api-shapes.ts";

/** Digits of the fingerprint in an app's name, and in a version. A host name has room for 63 characters. */
const IN_NAME = 8;
const IN_VERSION = 12;
export const LONGEST_SLUG = 63 - IN_NAME - 1;

const OF = "version-of";
const VERSION = "version";

/** Name of a version's app. */
export function versionSlug(app: string, fingerprint: string): string {
  return `${app}-${fingerprint.slice(0, IN_NAME)}`;
}

/** The version, as the app itself knows it. */
export function versionOf(fingerprint: string): string {
  return fingerprint.slice(0, IN_VERSION);
}

/** Labels of a version's app and of its revisions. */
export function labelsOf(app: string, version: string): Readonly<Record<string, string>> {
  return { [OF]: app, [VERSION]: version };
}

/** True for an app that the tool has made for a version of `app`. Others are left alone. */
export function isVersionApp({ labels, slug }: Pick<App, "labels" | "slug">, app: string): boolean {
  return labels?.[OF] === app && slug !== app;
}
