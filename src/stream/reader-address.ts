/** Where those are who watch a run: how an agent that is called elsewhere can show them what it does. */
import { z } from "zod";

/** Calls of tools, from the outermost agent's inwards. `n`: which of the agents that the call has called, from 1. */
export type CallPath = readonly { readonly call: string; readonly n: number }[];

/** A place where a run is watched. */
export interface ReaderAddress {
  /** The virtual object of its stream. */
  readonly service: string;
  readonly stream: string;
  /** Lets its bearer tell of the stream's open tool calls, and nothing else (stream-store.ts, L6). */
  readonly grant: string;
  readonly path: CallPath;
}

/**
 * The header of a call whose caller is watched. It is of no use to who makes it up: the stream takes nothing from those who
 * do not know its grant, which is a random number that only its turn, and what that has called, know.
 */
export const READERS_HEADER = "x-restate-edge-agents-readers";

export const callPathSchema: z.ZodType<CallPath> = z
  .array(z.object({ call: z.string().min(1), n: z.int().min(1) }))
  .min(1)
  .max(16);

const readersSchema = z
  .array(
    z.object({ service: z.string().min(1), stream: z.string().min(1), grant: z.string().min(1), path: callPathSchema }),
  )
  .min(1)
  .max(8);

/** The header's value: ASCII, whatever the names are. */
export function writeReaders(readers: readonly ReaderAddress[]): string {
  return encodeURIComponent(JSON.stringify(readers));
}

/** Reads the header; what cannot be read is nobody's. */
export function readReaders(value: string | undefined): readonly ReaderAddress[] {
  if (value === undefined) return [];
  try {
    const parsed = readersSchema.safeParse(JSON.parse(decodeURIComponent(value)));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}

/** The same readers, of what is called as `call` inside. */
export function within(readers: readonly ReaderAddress[], call: string, n = 1): readonly ReaderAddress[] {
  return readers.map((reader) => ({ ...reader, path: [...reader.path, { call, n }] }));
}
