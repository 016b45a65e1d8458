/** A URL as messages show it: without query and fragment, which may hold a signature, and not too long. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/s, "").slice(0, 200);
}
