/**
 * Deployed apps have https addresses, and a restate-server sends nothing but http through a proxy. So before its Admin API
 * stands this server, which writes `http:` in place of `https:` into what it is told of these addresses, and back into what
 * it answers.
 */
import { request as forward } from "node:http";
import { listen, type LoopbackServer } from "../../src/testing/http-server.ts";

/**
 * @param target The Admin API.
 * @param domain Of the addresses that are meant: all names below it.
 */
export async function startPlainAdmin(
  target: string,
  domain: "acme.deno.net" | "acme.workers.dev",
): Promise<LoopbackServer> {
  const secure = new RegExp(`https://([\\w-]+\\.${domain})`, "g");
  const plain = new RegExp(`http://([\\w-]+\\.${domain})`, "g");
  return listen(async (request, response) => {
    const { method, url = "/", headers } = request;
    const body = (await textOf(request)).replaceAll(secure, "http://$1");
    // Over TLS both sides agree on a version of HTTP; without, it has to be said.
    const isUnsaid = method === "POST" && url === "/deployments" && !body.includes('"use_http_11"');
    const told = isUnsaid ? body.replace(/^\{/, '{"use_http_11":true,') : body;
    const { "content-length": _, "transfer-encoding": __, ...rest } = headers;
    const upstream = forward(new URL(url, target), { method, headers: { ...rest, "accept-encoding": "identity" } });
    upstream.on("error", () => response.destroy());
    upstream.on("response", (answer) => {
      void textOf(answer).then((text) => {
        const { "content-length": ___, "transfer-encoding": ____, ...kept } = answer.headers;
        response.writeHead(answer.statusCode ?? 502, kept);
        response.end(text.replaceAll(plain, "https://$1"));
      });
    });
    upstream.end(told);
  });
}

async function textOf(from: AsyncIterable<unknown>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
