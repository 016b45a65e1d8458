/**
 * Ids that were used in a conversation of the same name that has been deleted. Restate keeps an invocation for longer than
 * a conversation may last, so what is sent under such an id finds the invocation of then. The turn gets an id that is made
 * of that invocation: whoever sends the message twice finds it again, and what is still known of the stream of then is not
 * taken for the new one.
 */

/** Most conversations of one name, one deleted after the other, in which an id is looked for. */
export const MAX_LIVES = 20;
/** Characters of a message's id that are part of the id of its turn in a later one. */
const MAX_KEPT = 100;

/** The id in the next life of what `invocationId` was in an earlier one. Inside a step, or in a route. */
export async function nextLife(id: string, invocationId: string): Promise<string> {
  return `${id.slice(0, MAX_KEPT)}~${await shortHash(invocationId)}`;
}

/** 64 bits of SHA-256, in hexadecimal digits. */
export async function shortHash(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest.slice(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
