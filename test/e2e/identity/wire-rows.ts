/** Requests as bytes: what no client sends. None of them may run anything. */
import { INVOCATION_CONTENT_TYPE, invocationBody } from "./invocation-body.ts";

/** A request whose signature, if it has one, is right for `POST /invoke/Vault/open`. */
export interface WireRow {
  readonly what: string;
  readonly bytes: Buffer;
}

const SIGNED_PATH = "/restate/invoke/Vault/open";

/** The rows. `token`: a right one. */
export function wireRows(token: string): WireRow[] {
  const signed = ["x-restate-signature-scheme: v1", `x-restate-jwt-v1: ${token}`];
  return [...targets(signed), ...methods(signed), ...headerTricks(token)];
}

function targets(signed: readonly string[]): WireRow[] {
  const paths = [
    "/restate/invoke/Vault/\xff",
    "/restate/invoke/Vault/\xc0\xaf",
    "/restate/invoke/Vault/open\xe2\x80\xa8",
    "/restate/invoke/Vault/\xf0\x9f",
    "/restate/invoke/Vault/open%ff",
    "/restate/invoke/Vault/%c0%af",
    "/restate/invoke/Vault/%e0%a4%a",
    "/restate/invoke/Vault/%",
    "/restate/invoke/Vault/open%0d%0ax-injected:%201",
    "/restate/invoke/Vault/open\\",
    "/restate\\invoke\\Vault\\other",
    "/restate/invoke/Vault/other/../other",
    "/restate/invoke/Vault/open/../other",
    "/restate/invoke/Vault/%2e%2e/Vault/other",
    "/restate/../../restate/invoke/Vault/other",
    "/restate/..;/invoke/Vault/other",
    "/restate/invoke/Vault/open\t",
    "/restate/invoke/Vault/open\0",
    "/restate/invoke/Vault/other#/restate/invoke/Vault/open",
    "/restate/invoke/Vault/other?/invoke/Vault/open",
    "restate/invoke/Vault/other",
    "http://127.0.0.1/restate/invoke/Vault/other",
    "http://elsewhere.test/restate/invoke/Vault/other",
    "*",
    "",
    `/restate/invoke/Vault/${"o".repeat(8_000)}`,
    `/restate${"/x".repeat(4_000)}/invoke/Vault/open`,
    `/restate/serdes/Vault/decode/${"discover/".repeat(800)}discover`,
    `/restate/serdes/Vault/decode/${"invoke/".repeat(1_000)}x`,
  ];
  return paths.map((path) => row(`path ${JSON.stringify(path.slice(0, 60))}`, "POST", path, signed));
}

function methods(signed: readonly string[]): WireRow[] {
  const names = ["post", "TRACE", "CONNECT", "PROPFIND", "POST\t", "P\0ST", "", "X".repeat(300)];
  const overrides = ["x-http-method-override", "x-http-method", "x-method-override"];
  return [
    ...names.map((name) => row(`method ${JSON.stringify(name.slice(0, 20))}`, name, SIGNED_PATH, signed)),
    ...overrides.map((name) => row(`GET with ${name}`, "GET", SIGNED_PATH, [...signed, `${name}: POST`])),
  ];
}

function headerTricks(token: string): WireRow[] {
  const scheme = "x-restate-signature-scheme: v1";
  const half = token.length >> 1;
  const rows: Readonly<Record<string, readonly string[]>> = {
    "a token in two lines": [scheme, `x-restate-jwt-v1: ${token.slice(0, half)}\r\n ${token.slice(half)}`],
    "a token with a NUL": [scheme, `x-restate-jwt-v1: ${token}\0`],
    "a token with a stranger's byte": [scheme, `x-restate-jwt-v1: ${token}\xff`],
    "a token under a name with a space": [scheme, `x-restate-jwt-v1 : ${token}`],
    "a token under a name with underscores": [scheme, `x_restate_jwt_v1: ${token}`],
    "a token under a folded name": [scheme, `x-restate-\r\n jwt-v1: ${token}`],
    "a token behind a bare line feed": [`x: 1\nx-restate-jwt-v1: x`, scheme],
    "a token of 60 KB": [scheme, `x-restate-jwt-v1: ${"a.".repeat(30_000)}`],
    "a token of 1 MB": [scheme, `x-restate-jwt-v1: ${"a".repeat(1_000_000)}`],
    "2,000 schemes": Array.from({ length: 2_000 }, () => scheme),
    "a host that is none": [scheme, "host: a b/../c"],
    "a path in another header": [scheme, "x-original-url: /restate/discover", "x-forwarded-prefix: /restate"],
    "an upgrade": [scheme, "connection: upgrade", "upgrade: websocket"],
  };
  return Object.entries(rows).map(([what, headers]) => row(what, "POST", SIGNED_PATH, headers));
}

function row(what: string, method: string, path: string, headers: readonly string[]): WireRow {
  const body = invocationBody("wire");
  const hasHost = headers.some((header) => header.startsWith("host:"));
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...(hasHost ? [] : ["host: worker.test"]),
    `content-type: ${INVOCATION_CONTENT_TYPE}`,
    `content-length: ${body.length}`,
    ...headers,
  ];
  return { what, bytes: Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), body]) };
}
