/**
 * The version of a state is a hash of it, which Restate compares before it replaces the state and tells nobody. It is
 * computed here the same way (Restate's `StateMutationVersion`): SHA-256 over the entries in the order of their keys, each as
 * its number (64 bits), 1, key, 2, value, 3; in base64 for URLs.
 */

const encoder = new TextEncoder();

/** The version of a state: values by key. */
export async function stateVersion(values: ReadonlyMap<string, Uint8Array>): Promise<string> {
  const entries = [...values].map(([key, value]) => ({ key: encoder.encode(key), value }));
  entries.sort((one, other) => compareBytes(one.key, other.key));
  const parts = entries.flatMap(({ key, value }, index) => {
    const number = new DataView(new ArrayBuffer(8));
    number.setBigUint64(0, BigInt(index));
    return [new Uint8Array(number.buffer), Uint8Array.of(1), key, Uint8Array.of(2), value, Uint8Array.of(3)];
  });
  const all = new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  return btoa(String.fromCharCode(...hash))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function compareBytes(one: Uint8Array, other: Uint8Array): number {
  for (let at = 0; at < Math.min(one.length, other.length); at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}
