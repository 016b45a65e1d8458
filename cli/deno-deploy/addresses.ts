/** Where apps of Deno Deploy answer. */
import type { Timeline } from "./api-shapes.ts";

const PRODUCTION = "production";
const OWN_DOMAIN = ".deno.net";

/** Addresses of an app in production; those below the organization's own domain last, as nobody gives them to people. */
function productionUrls(timelines: readonly Timeline[]): string[] {
  const domains = timelines
    .filter(({ context }) => context?.slug === PRODUCTION)
    .flatMap(({ domains: all }) => all ?? [])
    .map(({ domain }) => domain);
  const isOwn = (domain: string): boolean => domain.endsWith(OWN_DOMAIN);
  return [...domains.filter((domain) => !isOwn(domain)), ...domains.filter(isOwn)].map((domain) => `https://${domain}`);
}

/** The address that people use. */
export function mainUrlIn(timelines: readonly Timeline[]): string | undefined {
  return productionUrls(timelines)[0];
}

/** The address of a version's app: it has no other domain. */
export function versionUrlIn(timelines: readonly Timeline[], slug: string): string | undefined {
  const urls = productionUrls(timelines);
  return urls.find((url) => url.startsWith(`https://${slug}.`)) ?? urls.at(-1);
}
