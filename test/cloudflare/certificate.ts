/** The certificate with which Workers are served, and that of its authority. */
import { generate } from "selfsigned";
import type { LoopbackCertificate } from "../../src/testing/certificate.ts";

const EC_SHA256 = { keyType: "ec", algorithm: "sha256" } as const;

/** For all names below a domain, such as `acme.workers.dev`. */
export async function wildcardCertificate(domain: string): Promise<LoopbackCertificate> {
  const authority = await generate([{ name: "commonName", value: `Authority of ${domain}` }], {
    ...EC_SHA256,
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: "commonName", value: domain }], {
    ...EC_SHA256,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true },
      { name: "extKeyUsage", serverAuth: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: `*.${domain}` }] },
    ],
  });
  return { privateKey: server.private, certificate: server.cert, authority: authority.cert };
}
