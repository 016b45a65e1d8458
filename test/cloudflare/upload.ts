/** What wrangler uploads: a multipart body with `metadata` and one part for each module. */
import { ApiError, CODE } from "./envelope.ts";

/** Kinds of module that a Worker may import. */
export type ModuleType = "ESModule" | "CommonJS" | "Text" | "Data" | "CompiledWasm";

/** A module of a Worker. */
export interface UploadedModule {
  readonly name: string;
  readonly type: ModuleType;
  readonly contents: string | Uint8Array<ArrayBuffer>;
}

/** A binding, as in the metadata: beside these it has what its type needs. */
export type Binding = Readonly<Record<string, unknown>> & { readonly name: string; readonly type: string };

/** An upload, before anything is inherited from the version before it. */
export interface Upload {
  /** The Worker's entry is the first one. */
  readonly modules: readonly UploadedModule[];
  readonly compatibilityDate: string | undefined;
  readonly compatibilityFlags: readonly string[];
  readonly bindings: readonly Binding[];
  /** Types of bindings that are inherited unless they are uploaded anew. */
  readonly keepBindings: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly migrations: Migrations | undefined;
}

/** Steps in the life of Durable Object classes. */
export interface Migrations {
  readonly new_tag?: string;
  readonly steps?: readonly Readonly<Record<string, unknown>>[];
}

/** Content types of parts. https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/ */
const MODULE_TYPES: Readonly<Record<string, ModuleType>> = {
  "application/javascript+module": "ESModule",
  "application/javascript": "CommonJS",
  "application/wasm": "CompiledWasm",
  "application/octet-stream": "Data",
  "text/plain": "Text",
};

interface Metadata {
  readonly main_module?: string;
  readonly compatibility_date?: string;
  readonly compatibility_flags?: readonly string[];
  readonly bindings?: readonly Binding[];
  readonly keep_bindings?: readonly string[];
  readonly annotations?: Readonly<Record<string, string | undefined>>;
  readonly migrations?: Migrations;
}

/** Reads an upload. @throws ApiError 10021 when it is none, or has no entry. */
export async function readUpload(contentType: string, body: Uint8Array<ArrayBuffer>): Promise<Upload> {
  const form = await new Response(body, { headers: { "content-type": contentType } }).formData().catch(() => undefined);
  const metadata = await metadataIn(form);
  const modules: UploadedModule[] = [];
  for (const [name, part] of form ?? []) {
    if (typeof part === "string" || name === "metadata") continue;
    // Types may have parameters. Source maps are parts, too, and no modules.
    const type = MODULE_TYPES[part.type.split(";", 1)[0] ?? ""];
    if (type !== undefined) modules.push({ name, type, contents: await contentsOf(part, type) });
  }
  const entry = modules.find(({ name }) => name === metadata.main_module);
  if (entry === undefined) throw new ApiError(400, CODE.invalidUpload, `No such module: ${metadata.main_module}`);
  return {
    modules: [entry, ...modules.filter((other) => other !== entry)],
    compatibilityDate: metadata.compatibility_date,
    compatibilityFlags: metadata.compatibility_flags ?? [],
    bindings: metadata.bindings ?? [],
    keepBindings: metadata.keep_bindings ?? [],
    annotations: Object.fromEntries(
      Object.entries(metadata.annotations ?? {}).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
    ),
    migrations: metadata.migrations,
  };
}

async function metadataIn(form: FormData | undefined): Promise<Metadata> {
  const part = form?.get("metadata") ?? undefined;
  if (part === undefined) throw new ApiError(400, CODE.invalidUpload, "The body has no part named metadata");
  return JSON.parse(typeof part === "string" ? part : await part.text()) as Metadata;
}

async function contentsOf(part: Blob, type: ModuleType): Promise<string | Uint8Array<ArrayBuffer>> {
  return type === "CompiledWasm" || type === "Data" ? new Uint8Array(await part.arrayBuffer()) : part.text();
}
