/**
 * The turn's side of steering. After each model step the turn looks into the inbox, in the journaled step
 * `<agent> inbox <n>`, and hands what it finds to the AI SDK, which adds it to the next step.
 *
 * - T1 What was taken is delivered, or becomes a turn of its own; which of them follows from the journal alone (G2).
 * - T2 Who sent a message is told as soon as its fate is known: when the step begins that the model gets it with.
 */
import { experimental_createSteering, type Experimental_Steering, type UserModelMessage } from "ai";
import { EdgeAgentError } from "../../errors/edge-agent-error.ts";
import { readMessage } from "../../errors/read-error.ts";
import { ownIngress } from "../../http/own-ingress.ts";
import { requirePlace } from "../../journal/ambient.ts";
import { jsonCodec } from "../../journal/codec.ts";
import { restateContext } from "../../journal/context.ts";
import { DEFAULT_WINDOW } from "../../journal/run-ahead.ts";

import { stepHostAt } from "../../journal/step.ts";
import type { RunSink } from "../../stream/run-sink.ts";
import { asModelMessage, type UserMessage } from "../session-input.ts";
import type { SteerAnswer } from "../session-types.ts";
import { inboxStepName } from "../session-steps.ts";
import type { TakenMessage, TakeRequest } from "./inbox-object.ts";

/** Which turn looks into which inbox. */
export interface TurnInboxInit {
  /** Name of the inbox object. */
  readonly inbox: string;
  readonly key: string;
  readonly turn: string;
  /** Name of the agent, for the steps' names. */
  readonly agent: string;
  readonly sink: RunSink;
}

interface Message extends TakenMessage {
  readonly model: UserModelMessage;
  fate: "unknown" | "delivered" | "not-delivered";
  told: boolean;
}

const TAKE_TIMEOUT_MS = 10_000;

/** What a running turn knows of messages for it. */
export class TurnInbox {
  /** For the AI SDK's `experimental_steering`. */
  readonly steering: Experimental_Steering = experimental_createSteering();
  readonly #init: TurnInboxInit;
  readonly #messages: Message[] = [];
  readonly #deliveredIds: string[] = [];
  #takes = 0;

  constructor(init: TurnInboxInit) {
    this.#init = init;
  }

  /** Call it when a model step and its tools have ended, before the AI SDK decides whether to go on. */
  async take(): Promise<void> {
    const { agent, turn } = this.#init;
    this.#takes += 1;
    const name = inboxStepName(agent, this.#takes);
    const request: TakeRequest = { turn, after: this.#messages.at(-1)?.place ?? 0 };
    const host = stepHostAt(requirePlace("a session's turn"), DEFAULT_WINDOW);
    const taken = (await host.step(name, () => this.#ask(request), jsonCodec)) as readonly TakenMessage[];
    for (const one of taken) {
      const message: Message = { ...one, model: await asModelMessage(one.message), fate: "unknown", told: false };
      this.#messages.push(message);
      // It settles when the step begins that has it, or the run ends.
      void this.steering.steer(message.model, { id: one.message.id }).then(({ type }) => {
        message.fate = type;
      });
    }
  }

  /**
   * Call it when a step begins, before the model is called: tells the senders of what it has (T2).
   *
   * @returns the messages that it has.
   */
  delivered(): UserModelMessage[] {
    const delivered = this.#messages.filter(({ fate, told }) => fate === "delivered" && !told);
    for (const message of delivered) {
      this.#deliveredIds.push(message.message.id);
      const { id, parts } = message.message;
      const shown = parts.filter((part) => part.type === "text" || part.type === "file");
      this.#init.sink.settled({ type: "steering", id, parts: shown });
      this.#tell(message, { id, delivered: true, turn: this.#init.turn });
    }
    return delivered.map(({ model }) => model);
  }

  /** Ids of the messages that the model was given. */
  get deliveredIds(): readonly string[] {
    return this.#deliveredIds;
  }

  /**
   * Call it when the run has ended, in whatever way: what it has taken and not given to the model becomes turns.
   *
   * @param send Sends the message as a turn of its own.
   */
  close(send: (message: UserMessage) => void): void {
    for (const message of this.#messages) {
      if (message.told) continue;
      const { id } = message.message;
      send(message.message);
      this.#tell(message, { id, delivered: false, turn: id });
    }
  }

  #tell(message: Message, answer: SteerAnswer): void {
    message.told = true;
    for (const awakeable of message.awakeables) restateContext().resolveAwakeable(awakeable, answer);
  }

  /** What cannot be asked for because something is set up wrongly is left in the inbox, and costs no turn. */
  async #ask(request: TakeRequest): Promise<TakenMessage[]> {
    const { inbox, key } = this.#init;
    const target = { service: inbox, key, handler: "take" };
    try {
      const ingress = ownIngress("take messages for a running turn");
      const result = await ingress.call(target, { body: JSON.stringify(request), timeoutMs: TAKE_TIMEOUT_MS });
      if (result.kind === "success") return JSON.parse(new TextDecoder().decode(result.bytes)) as TakenMessage[];
      throw new Error(`its handler "take" answered ${result.kind === "failure" ? result.message : result.kind}`);
    } catch (error) {
      if (!EdgeAgentError.isInstance(error)) {
        throw new Error(`Cannot take messages from ${inbox}: ${readMessage(error)}`, { cause: error });
      }
      console.warn(`Messages for turn "${request.turn}" cannot be taken from ${inbox}: ${error.message}`);
      return [];
    }
  }
}
