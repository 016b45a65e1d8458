import type { LanguageModelV4 } from "@ai-sdk/provider";

type SupportedUrls = Awaited<LanguageModelV4["supportedUrls"]>;

/**
 * The URLs that every one of the models reads by itself. All others are downloaded before the first one is asked, so that
 * the prompt fits them all.
 */
export function commonUrls(
  models: readonly Pick<LanguageModelV4, "supportedUrls">[],
): LanguageModelV4["supportedUrls"] {
  const all = models.map(({ supportedUrls }) => supportedUrls);
  const known = all.filter((urls): urls is SupportedUrls => !("then" in urls));
  if (known.length === all.length) return intersection(known);
  return Promise.all(all.map((urls) => Promise.resolve(urls))).then(intersection);
}

function intersection(all: readonly SupportedUrls[]): SupportedUrls {
  const [first = {}, ...others] = all;
  return others.reduce(both, first);
}

/** A URL of some type is read by both when a type and a pattern of each fit it. */
function both(one: SupportedUrls, other: SupportedUrls): SupportedUrls {
  const common: Record<string, RegExp[]> = {};
  for (const [ownType, own] of Object.entries(one)) {
    for (const [otherType, theirs] of Object.entries(other)) {
      const type = narrower(ownType.toLowerCase(), otherType.toLowerCase());
      if (type === undefined) continue;
      const pairs = own.flatMap((pattern) => theirs.map((second) => new EveryPattern(pattern, second)));
      common[type] = [...(common[type] ?? []), ...pairs];
    }
  }
  return common;
}

/** Of `image/*` and `image/png` the second; undefined when no type is of both. */
function narrower(one: string, other: string): string | undefined {
  if (covers(one, other)) return other;
  return covers(other, one) ? one : undefined;
}

function covers(wide: string, narrow: string): boolean {
  if (wide === "*" || wide === "*/*" || wide === narrow) return true;
  return wide.endsWith("/*") && narrow.startsWith(wide.slice(0, -1));
}

/** What both patterns match; there is no way to write that as one pattern. */
class EveryPattern extends RegExp {
  readonly #patterns: readonly RegExp[];

  constructor(...patterns: readonly RegExp[]) {
    super(patterns.map(({ source }) => source).join(" and "));
    this.#patterns = patterns;
  }

  override test(text: string): boolean {
    return this.#patterns.every((pattern) => {
      pattern.lastIndex = 0;
      return pattern.test(text);
    });
  }
}
