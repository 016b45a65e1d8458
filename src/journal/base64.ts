const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const CODES = new TextEncoder().encode(ALPHABET);

/** Base64 of `bytes`, padded. Much faster on large content than `btoa`, which needs a string of it first. */
export function toBase64(bytes: Uint8Array): string {
  const whole = bytes.length - (bytes.length % 3);
  const text = new Uint8Array((whole / 3) * 4);
  for (let from = 0, to = 0; from < whole; from += 3, to += 4) {
    const group = (at(bytes, from) << 16) | (at(bytes, from + 1) << 8) | at(bytes, from + 2);
    text[to] = at(CODES, group >> 18);
    text[to + 1] = at(CODES, (group >> 12) & 63);
    text[to + 2] = at(CODES, (group >> 6) & 63);
    text[to + 3] = at(CODES, group & 63);
  }
  return new TextDecoder().decode(text) + btoa(String.fromCharCode(...bytes.subarray(whole)));
}

function at(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

/** The bytes of what `toBase64` wrote. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

/** True when `text` is exactly what `toBase64` would write for the bytes it stands for. */
export function isCanonicalBase64(text: string): boolean {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return false;
  const end = text.slice(-4);
  return toBase64(fromBase64(end)) === end;
}
