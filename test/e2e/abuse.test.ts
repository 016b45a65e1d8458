/**
 * What somebody might try on the app in workerd, one by one, with a real Restate behind it (G9).
 *
 * Requests go over sockets as they are written here; `fuzz.test.ts` looks for what nobody thought of.
 */
import { afterAll, beforeAll } from "vitest";
import { bodiesTests } from "./abuse/bodies.ts";
import { pathsTests } from "./abuse/paths.ts";
import { headersTests } from "./abuse/headers.ts";
import { tokensTests } from "./abuse/tokens.ts";
import { originsTests } from "./abuse/origins.ts";
import { sqlTests } from "./abuse/sql.ts";
import { startLab, stopLab } from "./abuse/lab.ts";

beforeAll(startLab);
afterAll(stopLab);

bodiesTests();
pathsTests();
headersTests();
tokensTests();
originsTests();
sqlTests();
