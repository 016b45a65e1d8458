import { expect, test } from "vitest";
import { encryptedBlobStore, journalEncryption, memoryBlobStore } from "../../../src/index.ts";
import { journalKey } from "./keys.ts";

const bytes = new TextEncoder().encode("a picture of the harbour");

test("what is stored has none of the content, and comes back", async () => {
  const store = memoryBlobStore();
  const encrypted = encryptedBlobStore(store, journalEncryption({ keys: [journalKey("k1")] }));
  await encrypted.put("b1", bytes);
  expect(Buffer.from(store.blobs.get("b1") ?? []).includes("harbour")).toBe(false);
  expect(await encrypted.get("b1")).toEqual(bytes);
  expect(await encrypted.get("b2")).toBeUndefined();
});

test("a blob of an unknown key, and one that is not encrypted, are errors, unless plaintext is accepted", async () => {
  const store = memoryBlobStore();
  const keys = [journalKey("k1")];
  await encryptedBlobStore(store, journalEncryption({ keys })).put("sealed", bytes);
  await store.put("plain", bytes);
  const other = encryptedBlobStore(store, journalEncryption({ keys: [journalKey("k2")] }));
  await expect(other.get("sealed")).rejects.toMatchObject({ errorCode: "journal-key-unknown" });
  await expect(other.get("plain")).rejects.toMatchObject({ errorCode: "journal-plaintext" });
  const lenient = encryptedBlobStore(store, journalEncryption({ keys, plaintext: "accept" }));
  expect([await lenient.get("plain"), await lenient.get("sealed")]).toEqual([bytes, bytes]);
});
