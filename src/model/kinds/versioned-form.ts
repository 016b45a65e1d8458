import { isJsonObject, type JsonObject } from "../../journal/json.ts";
import type { StoredForm } from "../../journal/stored-form.ts";

/** Version 1 of a stored result: its own fields beside `"v":1`. Lists that are nearly always empty are left out. */
export function versionedForm<RESULT extends object>(what: string): StoredForm<RESULT> {
  return {
    pack: (result, tag) => ({ v: 1, ...(tag(withoutEmpty(result)) as JsonObject) }),
    unpack: (json, untag) => {
      const { v: _, ...result } = versionOne(json, what);
      return { warnings: [], ...(untag(result) as object) } as unknown as RESULT;
    },
  };
}

/** @throws Error when a newer version wrote it. */
export function versionOne(json: unknown, what: string): JsonObject {
  const version = isJsonObject(json) ? json["v"] : undefined;
  if (isJsonObject(json) && version === 1) return json;
  throw new Error(
    `Cannot read a stored ${what} of version ${String(version)}: it was written by a newer version of restate-edge-agents; deploy that version again`,
  );
}

function withoutEmpty(result: object): object {
  return Object.fromEntries(Object.entries(result).filter(([name, value]) => name !== "warnings" || !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
