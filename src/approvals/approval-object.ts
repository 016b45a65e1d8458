/**
 * The virtual object that keeps the questions to people. Its keys are shards (approval-id.ts).
 *
 * - Q1 One answer. Handlers that decide are exclusive, and what is decided stays. The run is woken by the decision that is
 *   recorded, so it cannot go on with another one.
 * - Q2 Nobody waits in vain. A question is closed when its run ends in whatever way, also when it is killed: a `watch` is
 *   attached to the run's invocation for as long as that lives.
 * - Q3 Small. State is lazy, so a call uploads the index and the questions that it is about; see approval-index.ts.
 * - Q4 Forgotten. What is decided is kept for the retention, so that late answers hear who was first, and then forgotten.
 */
import { DefinitionError } from "../errors/definition-error.ts";
import { handlers, object } from "../journal/handlers.ts";
import { invocationEnd } from "../journal/invocation-end.ts";
import type { Duration, ObjectContext, ObjectSharedContext, Serde, VirtualObjectDefinition } from "../restate.ts";
import { serde } from "../restate.ts";
import {
  type AnswerRequest,
  type AnswerResult,
  type ApprovalPage,
  type CloseRequest,
  type ExpireRequest,
  GONE,
  type ListRequest,
  type OpenRequest,
} from "./approval-handlers.ts";
import { decisionMs, EMPTY_INDEX, placeOf, withDecided, withOpened } from "./approval-index.ts";
import type { ApprovalIndex, IndexEntry } from "./approval-index.ts";
import { listPage } from "./approval-list.ts";
import { MAX_LISTED_INPUT, type ShownInput, shownInput } from "./approval-input.ts";
import type { Approval, ApprovalDecision } from "./approvals.ts";
import { durationMs } from "../journal/duration.ts";

/** On a definition: true for what `approvalObject()` made. */
const APPROVAL_OBJECT = Symbol.for("restate-edge-agents.approval-object");

/** Options of an approval object. */
export interface ApprovalObjectOptions {
  /** How long decided questions are kept; a number is milliseconds. Default 30 days. */
  readonly retention?: Duration | number | undefined;
}

/** The handlers of an approval object. Runs and routes call them; there is no need to call them by hand. */
export interface ApprovalHandlers {
  open: (context: ObjectContext, request: OpenRequest) => Promise<Approval>;
  answer: (context: ObjectContext, request: AnswerRequest) => Promise<AnswerResult>;
  expire: (context: ObjectContext, request: ExpireRequest) => Promise<ApprovalDecision>;
  close: (context: ObjectContext, request: CloseRequest) => Promise<void>;
  sweep: (context: ObjectContext) => Promise<void>;
  get: (context: ObjectSharedContext, id: string) => Promise<Approval | null>;
  list: (context: ObjectSharedContext, request: ListRequest) => Promise<ApprovalPage>;
  watch: (context: ObjectSharedContext, invocationId: string) => Promise<void>;
}

const DEFAULT_RETENTION_MS = 30 * 24 * 60 * 60_000;
/** Longest time from one sweep of a key to the next while it has decided questions, in milliseconds. */
const SWEEP_PAUSE_MS = 24 * 60 * 60_000;

/**
 * A virtual object that keeps the questions of agents to people. Give it to agents as `approvals: { object }`, and put it
 * among the app's services. Among its public services its questions are served at `/approvals` (nobody can invoke it); else
 * they are for those with a link alone. Sessions bring their own.
 *
 * @throws DefinitionError for a retention that is not positive.
 *
 * @example
 * ```ts
 * const approvals = approvalObject("Approvals");
 * const agent = new RestateAgent({ id: "travel", model, tools }, { approvals: { object: approvals, timeout: { days: 2 } } });
 * const services = [agentService("Travel", agent), approvals];
 * export default createEdgeApp({ services, publicServices: services });
 * ```
 */
export function approvalObject<const NAME extends string>(
  name: NAME,
  { retention = DEFAULT_RETENTION_MS }: ApprovalObjectOptions = {},
): VirtualObjectDefinition<NAME, ApprovalHandlers> {
  const retentionMs = durationMs(retention);
  if (!(retentionMs > 0)) {
    throw new DefinitionError(
      `Cannot define the approval object "${name}": retention must be above 0: current value is ${retentionMs} ms`,
    );
  }
  const own = new ApprovalKeeper(name, retentionMs);
  const definition = object({
    name,
    handlers: {
      open: exclusive(PRIVATE, (context: ObjectContext, request: OpenRequest) => own.open(context, request)),
      answer: (context: ObjectContext, request: AnswerRequest) => own.answer(context, request),
      expire: exclusive(PRIVATE, (context: ObjectContext, request: ExpireRequest) => own.expire(context, request)),
      close: exclusive(PRIVATE, (context: ObjectContext, request: CloseRequest) => own.close(context, request)),
      sweep: exclusive(PRIVATE, (context: ObjectContext) => own.sweep(context)),
      get: shared((context: ObjectSharedContext, id: string) => own.get(context, id)),
      list: shared((context: ObjectSharedContext, request: ListRequest) => own.list(context, request)),
      watch: shared({ ...PRIVATE, idempotencyRetention: { hours: 1 } }, (context: ObjectSharedContext, id: string) =>
        own.watch(context, id),
      ),
    },
    options: { enableLazyState: true },
  });
  return Object.assign(definition, { [APPROVAL_OBJECT]: true });
}

/** True for what `approvalObject()` made. */
export function isApprovalObject(definition: object): boolean {
  return APPROVAL_OBJECT in definition;
}

/** What is stored of a question: what a list shows, and what the answer wakes. */
interface Stored {
  readonly approval: Approval;
  readonly awakeable: string;
}

const { exclusive, shared } = handlers.object;
/** For runs, and the object itself. Routes read and answer. */
const PRIVATE = { ingressPrivate: true };

const INDEX = "index";
const questionKey = (id: string): string => `question/${id}`;
const inputKey = (id: string): string => `input/${id}`;
const chunkKey = (n: number): string => `chunk/${n}`;

const json: Serde<unknown> = serde.json as Serde<unknown>;

type Reader = Pick<ObjectSharedContext, "get">;

async function readIndex(context: Reader): Promise<ApprovalIndex> {
  return (await context.get<ApprovalIndex>(INDEX)) ?? EMPTY_INDEX;
}

class ApprovalKeeper {
  readonly #name: string;
  readonly #retentionMs: number;

  constructor(name: string, retentionMs: number) {
    this.#name = name;
    this.#retentionMs = retentionMs;
  }

  async open(context: ObjectContext, request: OpenRequest): Promise<Approval> {
    const { awakeable, timeoutMs, ...asked } = request;
    const [known, index, nowMs] = await Promise.all([
      context.get<Stored>(questionKey(request.id)),
      readIndex(context),
      context.date.now(),
    ]);
    if (known !== null) return known.approval;
    const approval: Approval = {
      ...asked,
      state: "pending",
      requestedAt: isoOf(nowMs),
      ...(timeoutMs === undefined ? {} : { expiresAt: isoOf(nowMs + timeoutMs) }),
    };
    const { input, inputTruncated } = request;
    const listed: ShownInput = shownInput(input, MAX_LISTED_INPUT);
    if (listed.inputTruncated === true) context.set<ShownInput>(inputKey(request.id), { input, inputTruncated });
    const isCut = listed.inputTruncated ?? inputTruncated;
    context.set<Stored>(questionKey(request.id), {
      approval: { ...approval, input: listed.input, inputTruncated: isCut },
      awakeable,
    });
    context.set(INDEX, withOpened(index, approval));
    this.#send(context, "watch", request.invocationId, { idempotencyKey: request.invocationId });
    return approval;
  }

  async answer(context: ObjectContext, request: AnswerRequest): Promise<AnswerResult> {
    const { id, approved, reason, answeredBy, session } = request;
    const decided = await this.#decide(context, id, session, {
      decision: { state: approved ? "approved" : "denied", approved, reason },
      answeredBy,
    });
    if (decided === undefined) return { result: "unknown" };
    return { result: decided.isNew ? "recorded" : "decided", approval: decided.approval };
  }

  async expire(context: ObjectContext, { id, approved }: ExpireRequest): Promise<ApprovalDecision> {
    const decision: ApprovalDecision = { state: "expired", approved, reason: "Nobody answered in time" };
    const decided = await this.#decide(context, id, undefined, { decision });
    return decided === undefined ? GONE : decisionOf(decided.approval);
  }

  async close(context: ObjectContext, request: CloseRequest): Promise<void> {
    const ids = "id" in request ? [request.id] : await this.#pendingOf(context, request.invocationId);
    const decision: ApprovalDecision = { ...GONE, reason: "The run has ended" };
    for (const id of ids) await this.#decide(context, id, undefined, { decision });
  }

  /** Q2: waits for the end of a run. Nobody asks how it ended. */
  async watch(context: ObjectSharedContext, invocationId: string): Promise<void> {
    await invocationEnd(context, invocationId);
    this.#send(context, "close", { invocationId });
  }

  async get(context: ObjectSharedContext, id: string): Promise<Approval | null> {
    const [stored, whole] = await Promise.all([
      context.get<Stored>(questionKey(id)),
      context.get<ShownInput>(inputKey(id)),
    ]);
    if (stored === null || whole === null) return stored?.approval ?? null;
    return { ...stored.approval, inputTruncated: undefined, ...whole };
  }

  async list(context: ObjectSharedContext, filter: ListRequest): Promise<ApprovalPage> {
    const index = await readIndex(context);
    const read = async (id: string): Promise<Approval | undefined> =>
      (await context.get<Stored>(questionKey(id)))?.approval;
    return listPage(context, { index, chunkKey, read }, filter);
  }

  /** Q4: forgets what has been decided for longer than the retention, chunk by chunk. */
  async sweep(context: ObjectContext): Promise<void> {
    const [before, nowMs] = await Promise.all([readIndex(context), context.date.now()]);
    const isOver = (entry: IndexEntry): boolean => placeOf(entry).ms + this.#retentionMs <= nowMs;
    let { oldest } = before;
    for (; oldest < before.next; oldest++) {
      const chunk = (await context.get<readonly IndexEntry[]>(chunkKey(oldest))) ?? [];
      if (!chunk.every(isOver)) break;
      forget(context, chunk);
      context.clear(chunkKey(oldest));
    }
    forget(context, before.recent.filter(isOver));
    const recent = before.recent.filter((entry) => !isOver(entry));
    const isSweeping = oldest < before.next || recent.length > 0;
    context.set(INDEX, { ...before, oldest, recent, isSweeping });
    if (isSweeping) this.#send(context, "sweep", undefined, { delay: Math.min(SWEEP_PAUSE_MS, this.#retentionMs) });
  }

  async #pendingOf(context: Reader, invocationId: string): Promise<readonly string[]> {
    const { pending } = await readIndex(context);
    return pending.filter((entry) => entry.invocationId === invocationId).map(({ id }) => id);
  }

  /** Records a decision, if there is none, and wakes the run with it (Q1). */
  async #decide(
    context: ObjectContext,
    id: string,
    session: AnswerRequest["session"],
    { decision, answeredBy }: { readonly decision: ApprovalDecision; readonly answeredBy?: string | undefined },
  ): Promise<{ readonly approval: Approval; readonly isNew: boolean } | undefined> {
    const [stored, index, nowMs] = await Promise.all([
      context.get<Stored>(questionKey(id)),
      readIndex(context),
      context.date.now(),
    ]);
    if (stored === null || !isOf(stored.approval, session)) return undefined;
    if (stored.approval.state !== "pending") return { approval: stored.approval, isNew: false };
    const { state, approved, reason: answer } = decision;
    const atMs = decisionMs(index, nowMs);
    const approval: Approval = { ...stored.approval, state, approved, answer, answeredBy, answeredAt: isoOf(atMs) };
    context.set<Stored>(questionKey(id), { ...stored, approval });
    const { index: after, chunk } = withDecided(index, id, state, atMs);
    if (chunk !== undefined) context.set(chunkKey(chunk.n), chunk.entries);
    if (!index.isSweeping) this.#send(context, "sweep", undefined, { delay: this.#retentionMs });
    context.set(INDEX, { ...after, isSweeping: true });
    context.resolveAwakeable(stored.awakeable, decision);
    return { approval, isNew: true };
  }

  #send(
    context: ObjectSharedContext,
    method: keyof ApprovalHandlers,
    parameter: unknown,
    options: { readonly delay?: number; readonly idempotencyKey?: string } = {},
  ): void {
    context.genericSend({
      service: this.#name,
      key: context.key,
      method,
      parameter,
      inputSerde: json,
      ...options,
    });
  }
}

function forget(context: ObjectContext, entries: readonly IndexEntry[]): void {
  for (const { id } of entries) {
    context.clear(questionKey(id));
    context.clear(inputKey(id));
  }
}

function isOf({ session }: Approval, wanted: AnswerRequest["session"]): boolean {
  return wanted === undefined || (session?.service === wanted.service && session.key === wanted.key);
}

function decisionOf({ state, approved = false, answer }: Approval): ApprovalDecision {
  return { state: state === "pending" ? "cancelled" : state, approved, reason: answer };
}

/** A time that the journal gave, not the clock's. */
function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
