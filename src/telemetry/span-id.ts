/**
 * Ids of spans and traces, made from names: an invocation's spans are exported by many requests, each of which has to
 * know the id of a parent that another one exports. The hash is fast and spreads well; it keeps no secret.
 */

/** 16 hex digits for `what` in the invocation: the same in every attempt. */
export function spanIdOf(invocationId: string, what: string): string {
  return hashHex(`${invocationId}\n${what}`, 2);
}

/** 32 hex digits for an invocation that belongs to no trace yet. */
export function traceIdOf(invocationId: string): string {
  return hashHex(`${invocationId}\ntrace`, 4);
}

const encoder = new TextEncoder();
/** Odd numbers with many bits set: one multiplier and one start a word. */
const LANES: readonly (readonly [start: number, factor: number])[] = [
  [0x243f_6a88, 0x9e37_79b1],
  [0x85a3_08d3, 0x8506_5a53],
  [0x1319_8a2e, 0xc2a5_73d1],
  [0x0370_7344, 0xa54f_f53b],
];

function hashHex(text: string, words: 2 | 4): string {
  const bytes = encoder.encode(text);
  const hex = LANES.slice(0, words).map(([start, factor]) =>
    hash32(bytes, start, factor).toString(16).padStart(8, "0"),
  );
  // OpenTelemetry takes zeros for no id at all.
  return hex.join("").replace(/^(0+)0$/, "$11");
}

function hash32(bytes: Uint8Array, start: number, factor: number): number {
  let hash = start;
  for (const byte of bytes) {
    hash = Math.imul(hash ^ byte, factor);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ bytes.length, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
