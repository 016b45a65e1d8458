/** The services of this app. Add yours here. */
import { weatherService } from "./weather.ts";

export const services = [weatherService];
/** Those of them that callers with an API key may invoke at /agents. */
export const publicServices = [weatherService];
export { modelInfo } from "./model.ts";
