import { sdkHandlers, sdkService } from "../../../src/restate.ts";

const preview = {
  toJsonString: (value: string) => JSON.stringify(value),
  fromJsonString: (json: string) => JSON.parse(json) as string,
};
const text = {
  contentType: "text/plain",
  serialize: (value: string) => new TextEncoder().encode(value),
  deserialize: (bytes: Uint8Array) => new TextDecoder().decode(bytes),
  preview,
};

/** A service whose serdes Restate's UI may ask for. */
export const echoService = sdkService({
  name: "Echo",
  handlers: {
    say: sdkHandlers.handler({ input: text, output: text }, async (_context, words: string) => words),
    plain: async () => "plain",
  },
});

/** What Restate sends with each kind of request. */
export const DISCOVER = {
  method: "GET",
  headers: { accept: "application/vnd.restate.endpointmanifest.v4+json" },
} as const;
export const INVOKE = { method: "POST", headers: { "content-type": "application/vnd.restate.invocation.v5" } } as const;
export const DECODE = {
  method: "POST",
  headers: { "content-type": "application/octet-stream" },
  body: "hello",
} as const;
