/** Every answer is data for programs: a browser that shows one must not run, frame, sniff or keep it. */
const HEADERS: readonly (readonly [name: string, value: string])[] = [
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
];
const LOOPBACK = /^https:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])[:/]/;

/** Adds security headers where a route has not set its own, and `cache-control: no-store`. */
export function setSecurityHeaders(headers: Headers, url: string): void {
  for (const [name, value] of HEADERS) if (!headers.has(name)) headers.set(name, value);
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  // Without subdomains, which may be somebody else's; and a browser must be able to leave https on localhost again.
  if (url.startsWith("https:") && !LOOPBACK.test(url)) headers.set("strict-transport-security", "max-age=15552000");
}
