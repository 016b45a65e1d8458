/** The services of this app. Add yours here. */
import { weatherService } from "./weather.ts";

export const services = [weatherService];
export { modelInfo } from "./model.ts";
