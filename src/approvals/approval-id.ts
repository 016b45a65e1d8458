/**
 * Ids of approvals. An id tells where its question is kept, so that nobody has to search: `apr_`, the shard, a hash of
 * the object's name, and a UUID.
 */

/** How many keys an approval object has. Each is a queue of its own; a list asks all of them. */
export const SHARDS = 8;

/** What `approvalId()` makes. */
export const APPROVAL_ID: RegExp = /^apr_(?<shard>[0-7])(?<object>[0-9a-z]{6})_[0-9a-f]{32}$/;

/** True for what `approvalId()` may have made. */
export function isApprovalId(text: string): boolean {
  return APPROVAL_ID.test(text);
}

/**
 * @param object Name of the approval object.
 * @param uuid From the run's own source of randomness, so that it is the same on replay.
 * @param session Key of the conversation. Its questions are in one shard, where they can be listed with one call.
 */
export function approvalId(object: string, uuid: string, session?: string): string {
  const shard = shardOfSession(session ?? uuid);
  return `apr_${shard}${objectHash(object)}_${uuid.replaceAll("-", "")}`;
}

/** The key of the approval object that holds the questions of a conversation. */
export function shardOfSession(session: string): string {
  return String(hashOf(session) % SHARDS);
}

/** The key of the approval object that holds this question; undefined when it is no id. */
export function shardOf(id: string): string | undefined {
  return APPROVAL_ID.exec(id)?.groups?.["shard"];
}

/** Whether the question would be kept by the object of this name. */
export function isKeptBy(id: string, object: string): boolean {
  return APPROVAL_ID.exec(id)?.groups?.["object"] === objectHash(object);
}

/** All keys of an approval object. */
export const ALL_SHARDS: readonly string[] = Array.from({ length: SHARDS }, (_, n) => String(n));

function objectHash(name: string): string {
  return hashOf(name).toString(36).padStart(7, "0").slice(-6);
}

/** FNV-1a with 32 bits. It only spreads: nothing relies on it being hard to invert. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
