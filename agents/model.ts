import { createOpenAI } from "@ai-sdk/openai";
import type { LanguageModel } from "ai";
import { demoModel } from "../src/index.ts";
import { setting } from "./settings.ts";

const DEFAULT_MODEL = "gpt-5.2";
/** So that its answers can be watched, and there is time to reload the page or to crash the Worker in the middle of one. */
const DEMO_PACE = { wordDelayMs: 100 };

/** True when a key for a real model is set. */
export function hasModelKey(): boolean {
  return setting("OPENAI_API_KEY") !== undefined;
}

/** The model of this app's agents: OpenAI's when a key is set, otherwise the embedded demo model. */
export function appModel(): LanguageModel {
  const apiKey = setting("OPENAI_API_KEY");
  if (apiKey === undefined) return demoModel(DEMO_PACE);
  const baseURL = setting("OPENAI_BASE_URL");
  const openai = createOpenAI({ apiKey, ...(baseURL === undefined ? {} : { baseURL }) });
  return openai(setting("OPENAI_MODEL") ?? DEFAULT_MODEL);
}

/** What `/health` tells about the model. */
export function modelInfo(): { readonly model: string } {
  return { model: hasModelKey() ? `openai ${setting("OPENAI_MODEL") ?? DEFAULT_MODEL}` : "demo" };
}
