/** A reader of an answer, as a browser is: server-sent events over HTTP. */

/** When each word came, by its number, as `performance.now()`. */
export async function arrivals(request: Promise<Response>): Promise<readonly number[]> {
  const response = await request;
  if (!response.ok) throw new Error(`The stream was answered with ${response.status}: ${await response.text()}`);
  const times: number[] = [];
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of response.body ?? []) {
    const now = performance.now();
    rest += decoder.decode(bytes, { stream: true });
    const end = rest.lastIndexOf("\n\n") + 2;
    for (const [, place] of rest.slice(0, end).matchAll(/"delta":"w(\d+) "/g)) {
      const at = Number(place);
      if (at !== times.length) throw new Error(`Word ${at} came in the place of word ${times.length}`);
      times.push(now);
    }
    rest = rest.slice(end);
  }
  return times;
}
