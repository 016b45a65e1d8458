/**
 * Tools that the page executes: they have no `execute`. The turn waits for their outputs, durably and costing nothing, and goes
 * on in the same message. With `useChat`:
 *
 *     const chat = useChat({
 *       id: "trip-1",
 *       transport: new DefaultChatTransport({ api: "/chat/Guide" }),
 *       resume: true, // a page that is loaded again sees the call that waits
 *       sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
 *       onToolCall({ toolCall: { toolName, toolCallId } }) {
 *         if (toolName !== "locate") return;
 *         navigator.geolocation.getCurrentPosition(
 *           ({ coords }) => chat.addToolOutput({ tool: "locate", toolCallId, output: { lat: coords.latitude, lon: coords.longitude } }),
 *           ({ message }) => chat.addToolOutput({ state: "output-error", tool: "locate", toolCallId, errorText: message }),
 *         );
 *       },
 *     });
 *
 * Without it: `POST /chat/Guide/<conversation>`, and then once more with the assistant's message, whose tool part has become
 * `output-available` or `output-error`. Of that message only the outputs of calls that wait are taken.
 */
import { tool } from "ai";
import { z } from "zod";
import { appModel } from "../../agents/model.ts";
import { agentSession, RestateAgent } from "../../src/index.ts";

const agent = new RestateAgent({
  id: "guide",
  model: appModel(),
  instructions: "You are a guide. Find out where your guest is.",
  tools: {
    locate: tool({
      description: "Where the guest is.",
      inputSchema: z.object({ precise: z.boolean() }),
      // What does not fit is told to the model as an error.
      outputSchema: z.object({ lat: z.number(), lon: z.number() }),
    }),
  },
});

/** Waits ten minutes for the page; then the model is told that nobody answered. */
export const guide = agentSession("Guide", agent, { clientTools: { timeout: { minutes: 10 } } });
