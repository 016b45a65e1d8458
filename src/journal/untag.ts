/** Reads the tags of stored JSON (see codec.ts). */
import { fromBase64 } from "./base64.ts";
import { type BlobReference, readBlobReference } from "./blob-reference.ts";
import type { JsonObject } from "./json.ts";

/** Gives the content that a reference stands for. */
export type BlobLookup = (reference: BlobReference) => unknown;

/** The value that was tagged. `json` comes fresh from `JSON.parse` and is used up: it is changed in place. */
export function untagged(json: unknown, blobs: BlobLookup = noStore): unknown {
  if (typeof json !== "object" || json === null) return json;
  if (Array.isArray(json)) return untaggedArray(json, blobs);
  const keys = Object.keys(json);
  const [only] = keys;
  if (keys.length === 1 && only?.startsWith("$") === true) return untag(only, (json as JsonObject)[only], blobs);
  return untaggedProperties(json, keys, blobs);
}

/** Calls `found` for each blob reference in `json`. */
export function findBlobs(json: unknown, found: (reference: BlobReference) => void): void {
  if (typeof json !== "object" || json === null) return;
  const entries = Object.entries(json) as [string, unknown][];
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === "$blob") found(readBlobReference(only[1]));
  else if (entries.length === 1 && only?.[0] === "$object") {
    for (const item of Object.values(only[1] as object)) findBlobs(item, found);
  } else for (const [, item] of entries) findBlobs(item, found);
}

function untaggedArray(items: unknown[], blobs: BlobLookup): unknown[] {
  for (let index = 0; index < items.length; index += 1) items[index] = untagged(items[index], blobs);
  return items;
}

/** `JSON.parse` makes `__proto__` an own property, so it is read and assigned like any other. */
function untaggedProperties(json: object, keys: readonly string[], blobs: BlobLookup): object {
  const properties = json as Record<string, unknown>;
  for (const key of keys) properties[key] = untagged(properties[key], blobs);
  return json;
}

function untag(tag: string, content: unknown, blobs: BlobLookup): unknown {
  switch (tag) {
    case "$bytes":
      return fromBase64(content as string);
    case "$buffer":
      return fromBase64(content as string).buffer;
    case "$blob":
      return blobs(readBlobReference(content));
    case "$date":
      return new Date(content as string);
    case "$url":
      return new URL(content as string);
    case "$bigint":
      return BigInt(content as string);
    case "$number":
      return Number(content);
    case "$map":
      return new Map(
        (content as [unknown, unknown][]).map(([key, item]) => [untagged(key, blobs), untagged(item, blobs)]),
      );
    case "$set":
      return new Set((content as unknown[]).map((item) => untagged(item, blobs)));
    case "$undefined":
      return undefined;
    case "$object":
      return untaggedProperties(content as object, Object.keys(content as object), blobs);
    default:
      throw new Error(
        `Cannot read a stored value: its tag "${tag}" was written by a newer version of restate-edge-agents`,
      );
  }
}

function noStore({ key, bytes }: BlobReference): never {
  throw new Error(
    `Cannot read a stored value: ${bytes} bytes of it lie in a blob store, under "${key}". Configure \`blobs\` with that store, as it was when the value was stored`,
  );
}
