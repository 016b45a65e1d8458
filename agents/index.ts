/** The services of this app. Add yours here. */
import { smoke } from "./smoke.ts";
import { weatherService } from "./weather.ts";

export const services = [weatherService, smoke];
/** Those of them that callers with an API key may invoke at /agents. */
export const publicServices = [weatherService];
export { modelInfo } from "./model.ts";
