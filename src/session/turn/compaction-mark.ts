/** What the agent must not forget of the turns that have become a summary. */
import { type ConversationMark, markerOf } from "../../agent/conversation-mark.ts";
import { type SessionHead, slotsOf } from "../session-head.ts";
import type { Session } from "../session.ts";
import { type Conversation, readPast } from "./past-turns.ts";

/**
 * As noted with the summary. A version that noted nothing has left the turns where they were (H1), and they are read once.
 *
 * @throws Error when they cannot be read; the attempt fails then, as with any turn of the past.
 */
export async function readMark(
  session: Session,
  conversation: Conversation,
  head: SessionHead,
): Promise<ConversationMark | undefined> {
  const { compaction } = head;
  if (compaction === undefined || compaction.mark !== undefined) return compaction?.mark;
  const marker = markerOf(session.agent());
  if (marker === undefined) return undefined;
  const slots = slotsOf(head).filter((slot) => slot <= compaction.upTo);
  const { turns } = await readPast(conversation, { slots, summary: undefined });
  return marker(turns.flat());
}
