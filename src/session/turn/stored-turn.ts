/**
 * A turn as it is stored, for good (H1), under two keys: `turn/<slot>` is what people see, `model/<slot>` what the
 * model is given again. A turn's prompt reads the second only.
 *
 * The stored form is a contract between versions: it only ever gains optional fields.
 */
import type { FinishReason, LanguageModelUsage, ModelMessage } from "ai";
import type { BudgetExceeded } from "../../agent/budget/budget.ts";
import { decodeValue, encodeValue } from "../../journal/codec.ts";
import { EdgeAgentError } from "../../errors/edge-agent-error.ts";
import { type Serde, TerminalError } from "../../restate.ts";
import type { SessionAnswer, SessionMessage } from "../session-types.ts";

/** Why a turn failed, as Restate keeps failures. */
export interface TurnFailure {
  readonly message: string;
  readonly code: number;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** What people see of a turn, and what `send` answers. */
export interface StoredTurn {
  readonly v: 1;
  readonly turn: string;
  /** The user's message, and the assistant's. */
  readonly messages: readonly SessionMessage[];
  readonly text: string;
  readonly output?: unknown;
  readonly finishReason: FinishReason;
  readonly usage: LanguageModelUsage;
  readonly interrupted?: true | undefined;
  readonly budget?: BudgetExceeded | undefined;
  readonly failure?: TurnFailure | undefined;
}

/** Name of the state with what people see of the turn in `slot`. */
export const turnKey = (slot: number): string => `turn/${slot}`;

/** Name of the state with what the model is given of the turn in `slot`. */
export const modelKey = (slot: number): string => `model/${slot}`;

/** Name of the state with the summary of all turns up to `slot`. */
export const summaryKey = (slot: number): string => `summary/${slot}`;

/** Name of the state that tells which turn has the message or turn of this id. */
export const idKey = (id: string): string => `id/${id}`;

/** Name of the state that tells which turn answers a message now, where that is not the turn of its own id. */
export const messageKey = (id: string): string => `message/${id}`;

/** Where the turn or message of an id went; see `idKey`. */
export interface KnownId {
  readonly slot: number;
  /** The turn; of a message that a turn took while it ran, not its own id. */
  readonly turn: string;
  /** The turn's invocation. Absent in what older versions stored. */
  readonly invocationId?: string | undefined;
}

/** Name of the state with the session's head. */
export const HEAD_KEY = "head";

export const turnSerde: Serde<StoredTurn> = storedSerde<StoredTurn>();
export const modelSerde: Serde<readonly ModelMessage[]> = storedSerde<readonly ModelMessage[]>();
export const idSerde: Serde<KnownId> = storedSerde<KnownId>();
export const summarySerde: Serde<string> = storedSerde<string>();

function storedSerde<T>(): Serde<T> {
  return { contentType: "application/json", serialize: encodeValue, deserialize: (bytes) => decodeValue(bytes) as T };
}

/**
 * What `send` answers of a turn that has ended, also when it is sent again.
 *
 * @throws what the turn failed with.
 */
export function storedAnswer({ failure, messages, ...stored }: StoredTurn): SessionAnswer {
  if (failure !== undefined) throw restoredFailure(failure);
  const { v: _, ...answer } = stored;
  const message = messages.at(-1);
  if (message === undefined) throw new TerminalError("Cannot answer: this turn has no message", { errorCode: 500 });
  return { ...answer, message };
}

/** What is kept of a failure. */
export function failureOf({ message, code, metadata }: TerminalError): TurnFailure {
  return { message, code, ...(metadata === undefined ? {} : { metadata }) };
}

/** What people are told of a failure: that there was one, and its stable name. */
export function maskedError(error: TerminalError): { readonly message: string; readonly code?: string } {
  const message = "An error occurred.";
  return EdgeAgentError.isInstance(error) ? { message, code: error.errorCode } : { message };
}

function restoredFailure({ message, code, metadata }: TurnFailure): TerminalError {
  return new TerminalError(message, { errorCode: code, ...(metadata === undefined ? {} : { metadata }) });
}
