/** Requests to the right path whose signature is wrong, and a few whose signature is unusual and right. */
import { createHmac } from "node:crypto";
import type { RestateIdentity } from "../../../src/testing/restate-identity.ts";
import type { RawRequest } from "./raw-request.ts";
import { forgedToken, signature, type Target } from "./targets.ts";

/** Those who sign. */
export interface Signers {
  /** The endpoint knows its key. */
  readonly known: RestateIdentity;
  /** The endpoint knows its key as well. */
  readonly alsoKnown: RestateIdentity;
  readonly stranger: RestateIdentity;
}

/** What is sent besides the request itself. */
export interface TokenRow {
  readonly what: string;
  readonly isServed?: true;
  readonly headers: RawRequest["headers"];
}

const now = (): number => Math.floor(Date.now() / 1000);
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Every row for a target. They are made when they are sent: they hold times. */
export function tokenRows(signers: Signers, target: Target): TokenRow[] {
  return [
    ...served(signers, target),
    ...unsigned(signers, target),
    ...damaged(signers, target),
    ...strangers(signers, target),
    ...untimely(signers, target),
    ...forOtherAudiences(signers, target),
    ...ofOtherForms(signers, target),
  ];
}

/** `kid` and `iat` decide nothing: all known keys are tried, and only their owners can sign. */
function served({ known, alsoKnown, stranger }: Signers, { path }: Target): TokenRow[] {
  const kids: Readonly<Record<string, unknown>> = {
    "the kid of another known key": alsoKnown.publicKey,
    "the kid of a stranger": stranger.publicKey,
    "no kid": undefined,
    "an empty kid": "",
    "a kid of another version": known.publicKey.replace("v1", "v2"),
  };
  const tokens: Readonly<Record<string, string>> = {
    "by a known key": forgedToken(known, path),
    "by another known key": forgedToken(alsoKnown, path),
    "for 5 s": forgedToken(known, path, { claims: { exp: now() + 5 } }),
    "without iat": forgedToken(known, path, { claims: { iat: undefined } }),
    ...Object.fromEntries(
      Object.entries(kids).map(([what, kid]) => [
        `by a known key with ${what}`,
        forgedToken(known, path, { header: { kid } }),
      ]),
    ),
  };
  const rows = Object.entries(tokens).map(([what, token]) => ({ what: `signed ${what}`, headers: signature(token) }));
  const others = { ...signature(forgedToken(known, path)), cookie: "a=b", authorization: "Bearer x" };
  return [...rows, { what: "signed, other credentials besides", headers: others }].map((row) => ({
    ...row,
    isServed: true,
  }));
}

function unsigned({ known }: Signers, { path }: Target): TokenRow[] {
  const token = forgedToken(known, path);
  return [
    { what: "unsigned", headers: {} },
    { what: "scheme without token", headers: { "x-restate-signature-scheme": "v1" } },
    { what: "token without scheme", headers: { "x-restate-jwt-v1": token } },
    ...["unsigned", "v0", "v2", "V1", "", "v1,v1", "v1 ", "none"]
      .filter((scheme) => scheme.trim() !== "v1")
      .map((scheme) => ({
        what: `scheme "${scheme}"`,
        headers: signature(token, scheme),
      })),
    {
      what: "token as a bearer token",
      headers: { "x-restate-signature-scheme": "v1", authorization: `Bearer ${token}` },
    },
    { what: "token with the word Bearer", headers: signature(`Bearer ${token}`) },
    { what: "token in a cookie", headers: { "x-restate-signature-scheme": "v1", cookie: `x-restate-jwt-v1=${token}` } },
    {
      what: "token under a header of another version",
      headers: { "x-restate-signature-scheme": "v1", "x-restate-jwt-v2": token },
    },
    { what: "two schemes", headers: { ...signature(token), "x-restate-signature-scheme": ["v1", "unsigned"] } },
    { what: "two tokens, the right one first", headers: { ...signature(token), "x-restate-jwt-v1": [token, "x"] } },
    { what: "two tokens, the right one last", headers: { ...signature(token), "x-restate-jwt-v1": ["x", token] } },
    { what: "the right token twice", headers: { ...signature(token), "x-restate-jwt-v1": [token, token] } },
  ];
}

function damaged({ known, stranger }: Signers, { path }: Target): TokenRow[] {
  const token = forgedToken(known, path);
  const [header = "", claims = "", signed = ""] = token.split(".");
  const flipped = `${signed.startsWith("A") ? "B" : "A"}${signed.slice(1)}`;
  const tokens: Readonly<Record<string, string>> = {
    empty: "",
    "a word": "x",
    "two dots": "..",
    "no signature": `${header}.${claims}`,
    "an empty signature": `${header}.${claims}.`,
    "half a signature": `${header}.${claims}.${signed.slice(0, 40)}`,
    "another signature": `${header}.${claims}.${flipped}`,
    "a signature of zeros": `${header}.${claims}.${Buffer.alloc(64).toString("base64url")}`,
    "the signature of a stranger": `${header}.${claims}.${forgedToken(stranger, path).split(".")[2]}`,
    "the claims of another token": `${header}.${base64url({ aud: path, nbf: 0, exp: now() + 3_600 })}.${signed}`,
    "the header of another token": `${base64url({ alg: "EdDSA", kid: known.publicKey, x: 1 })}.${claims}.${signed}`,
    "four parts": `${token}.x`,
    padding: `${token}==`,
    "claims that are no JSON": `${header}.${Buffer.from("{").toString("base64url")}.${signed}`,
    "a header that is no object": `${base64url("x")}.${claims}.${signed}`,
    "12 KiB of letters": "a".repeat(12_288),
    "12 KiB of dots": ".".repeat(12_288),
  };
  return Object.entries(tokens).map(([what, damagedToken]) => ({
    what: `token: ${what}`,
    headers: signature(damagedToken),
  }));
}

function strangers({ known, stranger }: Signers, { path }: Target): TokenRow[] {
  const rows: Readonly<Record<string, string>> = {
    "a stranger": forgedToken(stranger, path),
    "a stranger with a known kid": forgedToken(stranger, path, { header: { kid: known.publicKey } }),
    "a stranger who sends a key along": forgedToken(stranger, path, {
      header: { kid: known.publicKey, jwk: { kty: "OKP", crv: "Ed25519", x: "AAAA" }, jku: "http://127.0.0.1:9/keys" },
    }),
    "a stranger, kid a list of both": forgedToken(stranger, path, {
      header: { kid: [known.publicKey, stranger.publicKey] },
    }),
  };
  return Object.entries(rows).map(([what, token]) => ({ what: `signed by ${what}`, headers: signature(token) }));
}

function untimely({ known }: Signers, { path }: Target): TokenRow[] {
  const claims: Readonly<Record<string, object>> = {
    "expired 2 s ago": { exp: now() - 2 },
    "expired an hour ago": { exp: now() - 3_600 },
    "expired in 1970": { exp: 0 },
    "not yet valid, in 30 s": { nbf: now() + 30 },
    "not yet valid, in a year": { nbf: now() + 31_536_000, exp: now() + 31_536_060 },
    "without exp": { exp: undefined },
    "without nbf": { nbf: undefined },
    "without any time": { exp: undefined, nbf: undefined, iat: undefined },
    "exp: null": { exp: null },
    "exp: a string": { exp: String(now() + 60) },
    "exp: negative": { exp: -1 },
    "exp: true": { exp: true },
    "nbf: a string": { nbf: "0" },
  };
  return Object.entries(claims).map(([what, changed]) => ({
    what: `signed, ${what}`,
    headers: signature(forgedToken(known, path, { claims: changed })),
  }));
}

function forOtherAudiences({ known }: Signers, { path, name }: Target): TokenRow[] {
  const audiences: readonly unknown[] = [
    undefined,
    null,
    "",
    "/",
    "*",
    [],
    { path },
    `${path}/`,
    `/${path}`,
    `/restate${path}`,
    `/v/abc123${path}`,
    `/restate/v/abc123${path}`,
    `https://worker.example/restate${path}`,
    path.slice(1),
    path.toUpperCase(),
    `${path}?x=1`,
    `${path}#x`,
    `${path}\n`,
    `${path}\u0000`,
    "/health",
    "/invoke/Vault/other",
    "/invoke/Other/open",
    "/invoke/Vault/open/x",
    "/serdes/Vault/encode/open/input",
    ...(name === "discover" ? ["/invoke/Vault/open", SERDES_PATH] : ["/discover"]),
  ];
  return audiences.map((aud) => ({
    what: `signed, aud: ${JSON.stringify(aud)}`,
    headers: signature(forgedToken(known, path, { claims: { aud } })),
  }));
}

const SERDES_PATH = "/serdes/Vault/decode/open/input";

function ofOtherForms({ known }: Signers, { path }: Target): TokenRow[] {
  const claims = { aud: path, iat: now(), nbf: now() - 60, exp: now() + 60 };
  const withHeader = (header: object): string =>
    `${base64url({ typ: "JWT", kid: known.publicKey, ...header })}.${base64url(claims)}`;
  const hmac = (secret: string | Buffer): string => {
    const content = withHeader({ alg: "HS256" });
    return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
  };
  const algorithms = ["none", "None", "HS256", "RS256", "ES256", "Ed25519", "eddsa", ""];
  const rows: Readonly<Record<string, string>> = {
    "alg none, no signature": `${withHeader({ alg: "none" })}.`,
    "alg NONE, no signature": `${withHeader({ alg: "NONE" })}.`,
    "no alg, no signature": `${withHeader({})}.`,
    "HS256 with the public key's text": hmac(known.publicKey),
    "HS256 with the public key's base58": hmac(known.publicKey.slice(12)),
    "HS256 with nothing": hmac(""),
    ...Object.fromEntries(
      algorithms.map((alg) => [`EdDSA that says "${alg}"`, forgedToken(known, path, { header: { alg } })]),
    ),
    "EdDSA that says nothing": forgedToken(known, path, { header: { alg: undefined } }),
  };
  return Object.entries(rows).map(([what, token]) => ({ what, headers: signature(token) }));
}
