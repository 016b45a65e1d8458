/** The services of this app. Add yours here. */
import { assistant } from "./assistant.ts";
import { smoke } from "./smoke.ts";
import { weatherService } from "./weather.ts";

export const services = [weatherService, assistant, smoke];
/** Those of them that callers with an API key may invoke at /agents, and chat with at /chat. */
export const publicServices = [weatherService, assistant];
export { modelInfo } from "./model.ts";
