/** What an app's encryption made of journals and states, for those who operate it. What cannot be decrypted stays as it is. */
import { SEALED_FAILURE } from "../encryption/failure-text.ts";
import type { Sealing } from "../encryption/sealing.ts";

/** The bytes of a value, decrypted where there is the key. */
export async function openedBytes(sealing: Sealing | undefined, stored: Uint8Array): Promise<Uint8Array> {
  if (sealing === undefined) return stored;
  try {
    return await sealing.open(stored);
  } catch {
    return stored;
  }
}

/** A row with the messages of failures in it decrypted where there is the key. In `…_json` columns they are in JSON. */
export async function openedRow(sealing: Sealing | undefined, row: unknown): Promise<unknown> {
  if (sealing === undefined || typeof row !== "object" || row === null) return row;
  const entries = Object.entries(row).map(async ([name, value]: [string, unknown]) => {
    return [
      name,
      typeof value === "string" ? await openedText(sealing, value, name.endsWith("_json")) : value,
    ] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** A text with the messages of failures in it decrypted where there is the key. */
export async function openedText(sealing: Sealing | undefined, text: string, isJson = false): Promise<string> {
  if (sealing === undefined) return text;
  let opened = text;
  for (const [whole] of text.matchAll(SEALED_FAILURE)) {
    const message = await messageOf(sealing, whole);
    opened = opened.replaceAll(whole, () => (isJson ? JSON.stringify(message).slice(1, -1) : message));
  }
  return opened;
}

async function messageOf(sealing: Sealing, text: string): Promise<string> {
  try {
    return (await sealing.openFailure({ message: text })).message;
  } catch {
    return text;
  }
}
