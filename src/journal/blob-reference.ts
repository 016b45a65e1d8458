/** What stands in the journal for content in a blob store: `{"$blob":{"key":"…","bytes":123}}`. */
export interface BlobReference {
  /** Key in the store. It ends with the SHA-256 of the content, as 64 hexadecimal digits. */
  readonly key: string;
  /** Length of the content, in bytes. */
  readonly bytes: number;
  /** What the content is given back as. Default: a `Uint8Array`. */
  readonly as?: "base64" | "buffer";
}

/** @throws Error when a newer version wrote the reference. */
export function readBlobReference(json: unknown): BlobReference {
  const { key, bytes, as } = (json ?? {}) as Partial<Record<keyof BlobReference, unknown>>;
  const known = as === undefined || as === "base64" || as === "buffer";
  if (typeof key !== "string" || typeof bytes !== "number" || !known) {
    throw new Error(
      "Cannot read a stored value: its blob reference was written by a newer version of restate-edge-agents",
    );
  }
  return { key, bytes, ...(as === undefined ? {} : { as }) };
}
