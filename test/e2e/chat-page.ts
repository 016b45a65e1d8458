/** A page with React and `useChat`, in jsdom; its `fetch` is Node's. */
import {
  type ChatTransport,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
  type UIMessage,
} from "ai";
import type { UseChatHelpers } from "@ai-sdk/react";
import { JSDOM } from "jsdom";
import { waitUntil } from "../../src/testing/wait.ts";

const dom = new JSDOM("<!doctype html><html><body></body></html>", { url: "http://localhost/" });
Object.assign(globalThis, { window: dom.window, document: dom.window.document });

// Not before there is a document: React looks for it.
const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const { useChat } = await import("@ai-sdk/react");

/** What a page is opened with. */
export interface PageOptions {
  readonly session: string;
  readonly transport: ChatTransport<UIMessage>;
  /** What the page has loaded. */
  readonly messages?: UIMessage[];
  /** Whether it looks for a turn that runs. */
  readonly resume?: boolean;
  /** Executes what the agent leaves to the page; undefined: nothing, and outputs are not sent by themselves. */
  readonly execute?: ((call: { readonly toolName: string; readonly input: unknown }) => unknown) | undefined;
}

/** One tab. */
export class ChatPage {
  readonly errors: Error[] = [];
  /** Calls that the page has executed. */
  readonly executed: string[] = [];
  readonly #container = dom.window.document.createElement("div");
  readonly #root: ReturnType<typeof createRoot>;
  #chat: UseChatHelpers<UIMessage> | undefined;

  constructor({ session, transport, messages = [], resume = false, execute }: PageOptions) {
    dom.window.document.body.append(this.#container);
    this.#root = createRoot(this.#container);
    const Page = () => {
      const chat = useChat({
        id: session,
        messages,
        transport,
        resume,
        sendAutomaticallyWhen: (given) =>
          lastAssistantMessageIsCompleteWithApprovalResponses(given) ||
          (execute !== undefined && lastAssistantMessageIsCompleteWithToolCalls(given)),
        onToolCall: ({ toolCall }) => {
          if (execute === undefined || toolCall.toolName !== "locate") return;
          const { toolName: tool, toolCallId } = toolCall;
          this.executed.push(toolCallId);
          const output = execute(toolCall);
          // Not awaited: as the AI SDK asks for.
          if (output instanceof Error) {
            void chat.addToolOutput({
              state: "output-error",
              tool: tool as never,
              toolCallId,
              errorText: output.message,
            });
          } else if (output !== undefined) {
            void chat.addToolOutput({ tool: tool as never, toolCallId, output: output as never });
          }
        },
        onError: (error) => this.errors.push(error),
      });
      this.#chat = chat;
      const rows = chat.messages.map(({ id, role, parts }) =>
        createElement(
          "p",
          { key: id, "data-role": role },
          ...parts.map((part) => (part.type === "text" ? part.text : "")),
        ),
      );
      return createElement("main", { "data-status": chat.status }, ...rows);
    };
    this.#root.render(createElement(Page));
  }

  /** What `useChat` returned last. */
  get chat(): UseChatHelpers<UIMessage> {
    if (this.#chat === undefined) throw new Error("The page is not rendered yet");
    return this.#chat;
  }

  get messages(): UIMessage[] {
    return this.chat.messages;
  }

  get last(): UIMessage | undefined {
    return this.messages.at(-1);
  }

  /** What a person sees of the assistant's last message. */
  get shown(): string {
    return [...this.#container.querySelectorAll('p[data-role="assistant"]')].at(-1)?.textContent ?? "";
  }

  /** Waits until something holds. */
  async until(what: string, holds: (page: ChatPage) => boolean, timeoutMs = 30_000): Promise<void> {
    await waitUntil(what, () => this.#chat !== undefined && holds(this), { everyMs: 5, timeoutMs });
  }

  /** Waits until nothing streams any more, and it is shown. */
  async settled(): Promise<void> {
    await this.until("The page still streams", ({ chat }) => chat.status === "ready" || chat.status === "error");
    await this.until(
      "The page is not rendered",
      ({ shown, last }) => last?.role !== "assistant" || shown === textsOf(last),
    );
  }

  /** Sends a text, and does not wait for its answer. */
  async send(text: string, body?: object): Promise<void> {
    await this.until("The page is not rendered", () => true);
    void this.chat.sendMessage({ text }, body === undefined ? {} : { body });
    await this.until("The message is not shown", ({ messages }) =>
      messages.some((message) => textsOf(message) === text),
    );
  }

  /** As when the tab is closed. */
  async close(): Promise<void> {
    this.#root.unmount();
    this.#container.remove();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** The texts of a message, one after the other. */
export function textsOf(message: UIMessage): string {
  return message.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
}
