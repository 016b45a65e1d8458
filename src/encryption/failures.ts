/**
 * Failures: what a step, a handler or an attempt failed with is text, which Restate stores and shows as it is. Messages
 * quote what they are about, a model's refusal or a tool's argument, so they are encrypted as well, and the facts that an
 * error carries with them. What stays readable: the code, and the stable name of an error of this library.
 */
import { ERROR_METADATA_KEY } from "../errors/edge-agent-error.ts";
import { JournalTamperedError } from "../errors/journal-tampered-error.ts";
import { JournalValueError } from "../errors/journal-value-error.ts";
import { fromBase64, toBase64 } from "../journal/base64.ts";
import { RestateError, TerminalError } from "../restate.ts";
import type { JournalCipher } from "./journal-cipher.ts";
import { keyIdOf } from "./sealed-value.ts";
import { veiled } from "./veil.ts";

/** A failure as Restate stores it. */
export interface StoredFailure {
  readonly message: string;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** From a journal that does not fit (570) to a suspension (599). */
const FIRST_PROTOCOL_CODE = 570;

const SEALED: RegExp = /^\[encrypted ([A-Za-z0-9_-]{1,16})\] ([A-Za-z0-9+/]+=*)$/;

/**
 * Encrypts a failure: `[encrypted <key id>] <base64>`. One that is encrypted already stays as it is: one that opens, as what a
 * tool says may look like one. Told as it is, it would be taken for one that was tampered with, at every attempt.
 */
export async function sealFailure(cipher: JournalCipher, { message, metadata }: StoredFailure): Promise<StoredFailure> {
  if (isSealedFailure(message) && (await doesOpen(cipher, message))) return { message, metadata };
  const text = JSON.stringify({ message, metadata });
  const sealed = await cipher.seal(new TextEncoder().encode(text), "failure");
  const errorCode = errorCodeIn(metadata);
  return {
    message: `[encrypted ${keyIdOf(sealed)}] ${toBase64(sealed)}`,
    metadata: errorCode === undefined ? undefined : { [ERROR_METADATA_KEY]: JSON.stringify({ errorCode, fields: {} }) },
  };
}

async function doesOpen(cipher: JournalCipher, message: string): Promise<boolean> {
  try {
    await openFailure(cipher, { message });
    return true;
  } catch {
    return false;
  }
}

/** True for the message of an encrypted failure. */
function isSealedFailure(message: string): boolean {
  return SEALED.test(message);
}

/**
 * Decrypts a failure; one that is not encrypted stays as it is, as Restate makes failures of its own.
 *
 * @throws JournalKeyUnknownError, JournalTamperedError
 */
export async function openFailure(cipher: JournalCipher, failure: StoredFailure): Promise<StoredFailure> {
  const [, keyId = "", base64] = SEALED.exec(failure.message) ?? [];
  if (base64 === undefined) return failure;
  const bytes = bytesOf(base64);
  if (bytes === undefined || keyIdOf(bytes) === undefined) throw new JournalTamperedError(keyId);
  const plain = await cipher.open(bytes, "failure");
  const opened: unknown = JSON.parse(new TextDecoder().decode(plain));
  if (!isStoredFailure(opened)) throw new JournalTamperedError(keyId);
  return opened;
}

/**
 * The error with its text encrypted, and otherwise what it is: terminal, retried with its delay, an instance of its class.
 * What the SDK says for itself (a suspension, a journal that does not fit) stays as it is, and so does why a value cannot be
 * decrypted.
 */
export async function sealedError(cipher: JournalCipher, thrown: unknown): Promise<unknown> {
  const error = thrown instanceof Error ? thrown : new Error(`Thrown: ${String(thrown)}`);
  if (error instanceof JournalValueError || isOfProtocol(error)) return thrown;
  const terminal = error instanceof TerminalError ? error : undefined;
  const { message, metadata } = await sealFailure(cipher, { message: error.message, metadata: terminal?.metadata });
  return veiled(error, { message, metadata, stack: `${error.name}: ${message}`, cause: undefined });
}

/** The SDK's own codes; a handler's error may be of the same class. */
function isOfProtocol(error: Error): boolean {
  return error instanceof RestateError && error.constructor === RestateError && error.code >= FIRST_PROTOCOL_CODE;
}

/** The error with its text decrypted; every other one as it is. */
export async function openedError(cipher: JournalCipher, error: unknown): Promise<unknown> {
  if (!(error instanceof TerminalError) || !isSealedFailure(error.message)) return error;
  const { message, metadata } = await openFailure(cipher, error);
  return new TerminalError(message, { errorCode: error.code, ...(metadata === undefined ? {} : { metadata }) });
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    return fromBase64(base64);
  } catch {
    return undefined;
  }
}

function errorCodeIn(metadata: StoredFailure["metadata"]): string | undefined {
  try {
    const parsed: unknown = JSON.parse(metadata?.[ERROR_METADATA_KEY] ?? "null");
    if (typeof parsed !== "object" || parsed === null || !("errorCode" in parsed)) return undefined;
    return typeof parsed.errorCode === "string" ? parsed.errorCode : undefined;
  } catch {
    return undefined;
  }
}

function isStoredFailure(value: unknown): value is StoredFailure {
  return typeof value === "object" && value !== null && "message" in value && typeof value.message === "string";
}
