/**
 * Ids of invocations and awakeables: `inv_1`, then the partition key (64 bits) and the invocation's own id (128 bits), each
 * in base 62 of fixed width. An awakeable's id is `sign_1` and the same bytes with the index of its signal in base64.
 */

const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const FORM = /^inv_1([0-9A-Za-z]{11})([0-9A-Za-z]{22})$/;

/** The first index of awakeables; below it are signals of Restate itself, such as cancellation. */
export const FIRST_AWAKEABLE = 17;

/** True for what Restate can decode. It refuses everything else, also in a query. */
export function isInvocationId(text: string): boolean {
  return decode(text) !== undefined;
}

/** The id of the awakeable that waits for a signal of an invocation. */
export function awakeableId(invocationId: string, signalIndex: number): string | undefined {
  const decoded = decode(invocationId);
  if (decoded === undefined) return undefined;
  const view = new DataView(new ArrayBuffer(28));
  view.setBigUint64(0, decoded.partitionKey, true);
  view.setBigUint64(8, BigInt.asUintN(64, decoded.id), true);
  view.setBigUint64(16, decoded.id >> 64n, true);
  view.setUint32(24, signalIndex);
  const base64 = btoa(String.fromCharCode(...new Uint8Array(view.buffer)));
  return `sign_1${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

function decode(text: string): { readonly partitionKey: bigint; readonly id: bigint } | undefined {
  const [, first = "", second = ""] = FORM.exec(text) ?? [];
  if (first === "") return undefined;
  const partitionKey = numberOf(first);
  const id = numberOf(second);
  return partitionKey >> 64n === 0n && id >> 128n === 0n ? { partitionKey, id } : undefined;
}

function numberOf(digits: string): bigint {
  let number = 0n;
  for (const digit of digits) number = number * 62n + BigInt(DIGITS.indexOf(digit));
  return number;
}
