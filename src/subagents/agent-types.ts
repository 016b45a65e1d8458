/** Types of what agents take and answer when others call them. */
import type { ObjectContext, ServiceDefinition, VirtualObjectDefinition } from "../restate.ts";
import type { SessionAnswer } from "../session/session-types.ts";

/** The handlers of a definition. */
export type HandlersOf<DEFINITION> =
  DEFINITION extends ServiceDefinition<string, infer HANDLERS>
    ? HANDLERS
    : DEFINITION extends VirtualObjectDefinition<string, infer HANDLERS>
      ? HANDLERS
      : unknown;

/** What a call of a definition's `send` (of a session) or `run` gives; unknown for others. */
export type AnswerOf<DEFINITION> =
  HandlersOf<DEFINITION> extends {
    send: (context: ObjectContext, ...input: never[]) => Promise<SessionAnswer<infer OUTPUT>>;
  }
    ? OUTPUT
    : HandlersOf<DEFINITION> extends { run: (...parameters: never[]) => Promise<infer ANSWER> }
      ? ANSWER
      : unknown;
