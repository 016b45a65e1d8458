/** Blobs in a real R2 binding of workerd. */
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { BlobMissingError } from "../../src/errors/blob-missing-error.ts";
import { blobCodec } from "../../src/journal/blob-codec.ts";
import { Blobs } from "../../src/journal/blobs.ts";
import { valueForm } from "../../src/journal/codec.ts";
import { r2BlobStore } from "../../src/journal/r2-blob-store.ts";

const png = new Uint8Array(200_000).map((_, index) => index * 7);
const STEP = "agent tool draw c1";
/** The codec of one attempt. */
const codec = (): ReturnType<typeof blobCodec<unknown>> =>
  blobCodec(valueForm, new Blobs({ store: r2BlobStore(env.BLOBS), prefix: "agents/" }), STEP);

/** Key of the blob in an entry. */
async function write(value: unknown): Promise<{ bytes: Uint8Array; key: string }> {
  const bytes = await codec().encode(value);
  const key = /"key":"(.*?)"/.exec(new TextDecoder().decode(bytes))?.[1] ?? "";
  return { bytes, key };
}

test("content goes to the bucket and comes back", async () => {
  const { bytes, key } = await write({ mediaType: "image/png", png });
  expect(bytes.length).toBeLessThan(200);
  expect(key).toMatch(/^agents\/[\da-f]{64}$/);
  expect(await env.BLOBS.head(key)).toMatchObject({ size: 200_000 });
  const back = (await codec().decode(bytes)) as { mediaType: string; png: Uint8Array };
  expect(back.mediaType).toBe("image/png");
  expect(back.png.length).toBe(png.length);
  expect(back.png.every((byte, index) => byte === png[index])).toBe(true);
});

test("an object that is gone is a blob that is missing", async () => {
  const { bytes, key } = await write(png);
  await env.BLOBS.delete(key);
  await expect(Promise.resolve(codec().decode(bytes))).rejects.toThrow(BlobMissingError);
  await expect(Promise.resolve(codec().decode(bytes))).rejects.toThrow(`blob "${key}" is not in the store`);
});

test("an object that was overwritten is a blob that is missing", async () => {
  const { bytes, key } = await write(png);
  await env.BLOBS.put(key, png.slice(1));
  await expect(Promise.resolve(codec().decode(bytes))).rejects.toThrow("has other content than what was stored");
});

test("the bucket may come from a function", async () => {
  const store = r2BlobStore(() => env.BLOBS);
  await store.put("k", new Uint8Array([1, 2]));
  expect(await store.get("k")).toEqual(new Uint8Array([1, 2]));
  expect(await store.get("other")).toBeUndefined();
});
