import { readFileSync } from "node:fs";

/** Version of this package. Its package.json is two folders up in the source, three in the build. */
export function toolVersion(): string {
  for (const path of ["../../package.json", "../../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as Record<
        string,
        unknown
      >;
      if (name === "restate-edge-agents") return String(version);
    } catch {
      // Not there.
    }
  }
  return "unknown";
}
