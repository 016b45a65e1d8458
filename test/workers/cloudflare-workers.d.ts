/** The part of workerd's module that these tests use. */
declare module "cloudflare:workers" {
  /** The Worker's own entry points, as a client sees them. */
  export const exports: { readonly default: { fetch(input: string, init?: RequestInit): Promise<Response> } };
}

/** https://developers.cloudflare.com/workers/runtime-apis/streams/transformstream/#fixedlengthstream */
declare class FixedLengthStream {
  constructor(length: number);
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}
