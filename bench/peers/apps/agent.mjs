/**
 * What the peers' agents have in common, and share with the other subjects of the bench. Plain JavaScript like all of
 * `apps/`: what it imports is installed on demand, so the repository's own checks cannot depend on it.
 */
import { z } from "zod";

/** The scripted server answers to any name. */
export const MODEL_ID = "gpt-test";

/** Stops no run: a stop condition's bound well above what the model asks for. */
export const STEP_BOUND = 100_000;

/** Input of the tool `work`. */
export const workInput = z.object({ n: z.number(), ms: z.number(), bytes: z.number() });

export const WORK_DESCRIPTION = "Does some work";
