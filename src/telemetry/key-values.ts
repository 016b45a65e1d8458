/**
 * The lists of OpenTelemetry's settings: `name=value`, comma-separated, values percent-encoded where they need be
 * (https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables).
 */

/** Pairs of a list. What is none is left out. */
export function parseKeyValues(list: string | undefined): Readonly<Record<string, string>> {
  const pairs = (list ?? "").split(",").flatMap((pair) => {
    const equals = pair.indexOf("=");
    const name = decoded(pair.slice(0, equals).trim());
    const value = decoded(pair.slice(equals + 1).trim());
    return equals > 0 && name !== undefined && name !== "" && value !== undefined ? [[name, value] as const] : [];
  });
  return Object.fromEntries(pairs);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
