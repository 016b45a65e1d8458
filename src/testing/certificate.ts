/** Certificates of loopback servers, and this process's trust in them. */
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { generate } from "selfsigned";
import type { TlsIdentity } from "./tls-proxy.ts";

/** A new key and its certificate, for `localhost` and 127.0.0.1. */
export async function loopbackCertificate(): Promise<TlsIdentity> {
  const made = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true },
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
  return { privateKey: made.private, certificate: made.cert };
}

/** From now on `fetch` and `node:tls` of this thread trust the certificate. Needs Node 22.19 or 24.5. */
export function trust(certificate: string): void {
  setDefaultCACertificates([...getCACertificates("default"), certificate]);
}

/** Takes the trust back. Connections that exist stay. */
export function distrust(certificate: string): void {
  const others = getCACertificates("default").filter((other) => other.trim() !== certificate.trim());
  setDefaultCACertificates(others);
}
