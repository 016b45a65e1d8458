/** Certificates of loopback servers, and this process's trust in them. */
import { randomUUID } from "node:crypto";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { generate } from "selfsigned";
import type { TlsIdentity } from "./tls-proxy.ts";

/** A server's key and certificate, and the certificate of its authority, which its clients must trust (PEM). */
export interface LoopbackCertificate extends TlsIdentity {
  readonly authority: string;
}

const EC_SHA256 = { keyType: "ec", algorithm: "sha256" } as const;

/** New ones, for `localhost` and 127.0.0.1. An authority besides, because Deno trusts no server that is its own. */
export async function loopbackCertificate(): Promise<LoopbackCertificate> {
  // A name of its own: whoever trusts two authorities looks for the right one by name.
  const authority = await generate([{ name: "commonName", value: `Test authority ${randomUUID()}` }], {
    ...EC_SHA256,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: "commonName", value: "localhost" }], {
    ...EC_SHA256,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { privateKey: server.private, certificate: server.cert, authority: authority.cert };
}

/** From now on `fetch` and `node:tls` of this thread trust the authority. Needs Node 22.19 or 24.5. */
export function trust(authority: string): void {
  setDefaultCACertificates([...getCACertificates("default"), authority]);
}

/** Takes the trust back. Connections that exist stay. */
export function distrust(authority: string): void {
  const others = getCACertificates("default").filter((other) => other.trim() !== authority.trim());
  setDefaultCACertificates(others);
}
