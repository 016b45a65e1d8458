/**
 * Messages on their way to a running turn. A session cannot take them itself: its turn holds its lock. So they wait in
 * an object of their own, whose key is the session's.
 *
 * - I1 Taken once. A message is taken by the turn that it was added for, or removed by the one who added it, never both.
 * - I2 Taking may be repeated: it happens inside a journaled step, which may be. What was taken is handed out again to
 *   the same turn until the step has its result.
 * - I3 Small. When a turn has ended, in whatever way, what is left of its messages leaves the inbox.
 * - I4 Nobody is needed. With a turn's first message an invocation of the session is sent that waits for the turn's end and
 *   then looks after what is left (adopt.ts): who added a message may be killed, and so may the turn.
 */
import { handlers, object } from "../../journal/handlers.ts";
import { jsonSerde } from "../json-serde.ts";
import type { ObjectContext, VirtualObjectDefinition } from "../../restate.ts";
import type { UserMessage } from "../session-input.ts";

/** A message for a turn. */
export interface AddRequest {
  readonly turn: string;
  /** The turn's. Absent in what older versions send: then nobody but the sender looks after the message. */
  readonly invocationId?: string | undefined;
  readonly message: UserMessage;
  /** Resolved with a `SteerAnswer` by the turn that has it. */
  readonly awakeable: string;
}

/** What a turn asks for. */
export interface TakeRequest {
  readonly turn: string;
  /** Only what came after this one; 0 for all. */
  readonly after: number;
}

/** A message that a turn has taken. */
export interface TakenMessage {
  /** Its place, from 1. */
  readonly place: number;
  readonly message: UserMessage;
  readonly awakeables: readonly string[];
}

/** Whose message is to be removed. */
export interface RemoveRequest {
  readonly turn: string;
  readonly id: string;
}

/** Which turn is over. */
export interface CloseRequest {
  readonly invocationId: string;
}

/** The handlers of an inbox. */
export interface InboxHandlers {
  add: (context: ObjectContext, request: AddRequest) => Promise<void>;
  take: (context: ObjectContext, request: TakeRequest) => Promise<TakenMessage[]>;
  /** True when it was there, and nobody had taken it. */
  remove: (context: ObjectContext, request: RemoveRequest) => Promise<boolean>;
  /** The turn has ended: what is left of its messages, taken or not. It leaves the inbox. */
  close: (context: ObjectContext, request: CloseRequest) => Promise<TakenMessage[]>;
  /** The conversation is forgotten. */
  forget: (context: ObjectContext) => Promise<void>;
}

interface Waiting extends TakenMessage {
  readonly turn: string;
  readonly invocationId?: string | undefined;
  readonly taken: boolean;
}

interface Inbox {
  readonly next: number;
  readonly messages: readonly Waiting[];
}

const KEY = "inbox";
const { exclusive } = handlers.object;
/** For sessions. */
const PRIVATE = { ingressPrivate: true };
const EMPTY: Inbox = { next: 1, messages: [] };

/**
 * The object that keeps the messages for the turns of one kind of session.
 *
 * @param session Name of the session's service.
 */
export function inboxObject(name: string, session: string): VirtualObjectDefinition<string, InboxHandlers> {
  return object({
    name,
    handlers: {
      add: exclusive(PRIVATE, (context: ObjectContext, request: AddRequest) => add(session, context, request)),
      // From inside a step of the turn, over the ingress.
      take,
      remove: exclusive(PRIVATE, remove),
      close: exclusive(PRIVATE, close),
      forget: exclusive(PRIVATE, forget),
    },
    // Its invocations are many and short, and nobody asks for them later.
    options: { journalRetention: 0, idempotencyRetention: 0 },
  });
}

async function add(
  session: string,
  context: ObjectContext,
  { turn, invocationId, message, awakeable }: AddRequest,
): Promise<void> {
  const inbox = await read(context);
  // While there is one of its messages, somebody waits for the turn's end (I4).
  if (invocationId !== undefined && !inbox.messages.some((one) => one.invocationId === invocationId)) {
    const parameter: CloseRequest = { invocationId };
    context.genericSend({ service: session, method: "adopt", key: context.key, parameter, inputSerde: jsonSerde });
  }
  const isSame = (one: Waiting): boolean => one.turn === turn && one.message.id === message.id;
  if (!inbox.messages.some(isSame)) {
    const waiting: Waiting = {
      place: inbox.next,
      turn,
      invocationId,
      message,
      awakeables: [awakeable],
      taken: false,
    };
    write(context, { next: inbox.next + 1, messages: [...inbox.messages, waiting] });
    return;
  }
  const messages = inbox.messages.map((one) =>
    isSame(one) ? { ...one, invocationId, awakeables: [...one.awakeables, awakeable] } : one,
  );
  write(context, { ...inbox, messages });
}

async function take(context: ObjectContext, { turn, after }: TakeRequest): Promise<TakenMessage[]> {
  const inbox = await read(context);
  // Of older versions: nobody closes them.
  const isOver = (one: Waiting): boolean => one.taken && one.turn !== turn && one.invocationId === undefined;
  const kept = inbox.messages.filter((one) => !isOver(one));
  const messages = kept.map((one) => (one.turn === turn ? { ...one, taken: true } : one));
  if (JSON.stringify(messages) !== JSON.stringify(inbox.messages)) write(context, { ...inbox, messages });
  return messages
    .filter((one) => one.turn === turn && one.place > after)
    .map(({ place, message, awakeables }) => ({ place, message, awakeables }));
}

async function remove(context: ObjectContext, { turn, id }: RemoveRequest): Promise<boolean> {
  const inbox = await read(context);
  const isMeant = (one: Waiting): boolean => one.turn === turn && one.message.id === id && !one.taken;
  if (!inbox.messages.some(isMeant)) return false;
  write(context, { ...inbox, messages: inbox.messages.filter((one) => !isMeant(one)) });
  return true;
}

async function close(context: ObjectContext, { invocationId }: CloseRequest): Promise<TakenMessage[]> {
  const inbox = await read(context);
  const isLeft = (one: Waiting): boolean => one.invocationId === invocationId;
  const left = inbox.messages.filter(isLeft);
  if (left.length > 0) write(context, { ...inbox, messages: inbox.messages.filter((one) => !isLeft(one)) });
  return left.map(({ place, message, awakeables }) => ({ place, message, awakeables }));
}

/** The numbering stays: a message that comes late is none that somebody has. */
async function forget(context: ObjectContext): Promise<void> {
  const inbox = await read(context);
  write(context, { ...inbox, messages: [] });
}

async function read(context: ObjectContext): Promise<Inbox> {
  return (await context.get<Inbox>(KEY)) ?? EMPTY;
}

/** The numbering goes on when it is empty: a turn that takes again must not get what it has. */
function write(context: ObjectContext, inbox: Inbox): void {
  context.set(KEY, inbox);
}
