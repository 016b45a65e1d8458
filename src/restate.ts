/**
 * The only file that names the Restate SDK.
 *
 * Values come from `#restate`: the import condition `workerd` picks the Workers build, every other runtime the
 * plain one, so a bundle holds one SDK and one `TerminalError`. Types come from the plain package, which declares
 * the same API. Only names that exist at run time in *both* builds may be listed as values here.
 */
import { RestatePromise as SdkPromise } from "#restate";
import type { Context, createEndpointHandler, RestatePromise, ServiceOptions } from "@restatedev/restate-sdk/fetch";

type EndpointInit = Parameters<typeof createEndpointHandler>[0];

/** The SDK's codec of journals. */
export type JournalCodec = Awaited<ReturnType<NonNullable<EndpointInit["journalValueCodecProvider"]>>>;

/** The SDK's hooks of a service. */
export type AnyHooks = NonNullable<ServiceOptions["hooks"]>[number];

/** The SDK's `RestatePromise.race`. Only the scheduler may await SDK promises, so its other combinators stay here. */
export function sdkRace<T>(promises: readonly RestatePromise<T>[]): RestatePromise<T> {
  return SdkPromise.race(promises);
}

/** The SDK's `RestatePromise.resolve`, which takes a promise for its value. */
export function sdkResolve<T>(value: Promise<T>): RestatePromise<T> {
  return SdkPromise.resolve(value) as RestatePromise<T>;
}

/**
 * Settles when the SDK has stopped driving `promise`, which has settled by something other than the journal. The SDK
 * drives one promise at a time and says only in this field when it has let go; by then it has sent what the step whose
 * end made it look had proposed. `canSdkLetGo()` makes sure that the field is there.
 */
export async function sdkPolling(promise: RestatePromise<unknown>): Promise<void> {
  await (promise as unknown as { readonly pollingPromise: Promise<unknown> }).pollingPromise;
}

/** True when this build of the SDK has the field that `sdkPolling()` reads. */
export function canSdkLetGo(promise: RestatePromise<unknown>): boolean {
  return "pollingPromise" in promise;
}

/**
 * Calls `onFailure` when a serde cannot read what the journal has for `promise`, with what it threw and the index of the
 * command. The SDK ends the attempt for a promise that is awaited by itself; of one in a combination, as the scheduler awaits
 * them all, it never hears: it would wait for ever. A build without the method that is watched here does so still.
 */
export function sdkOnUnreadable(
  promise: RestatePromise<unknown>,
  onFailure: (cause: unknown, command: number | undefined) => void,
): void {
  const internal = promise as unknown as { tryComplete?: () => Promise<void> };
  const { tryComplete } = internal;
  if (tryComplete === undefined || Object.hasOwn(internal, "tryComplete")) return;
  internal.tryComplete = async () => {
    try {
      await tryComplete.call(promise);
    } catch (error) {
      const { cause = error, commandIndex } = error as { readonly cause?: unknown; readonly commandIndex?: number };
      onFailure(commandIndex === undefined ? error : cause, commandIndex);
      throw error;
    }
  };
}

/**
 * True when the attempt has issued every command of its journal: what happens now, between steps, happens for the first
 * time. The SDK's own logger asks the same, and its hooks are told of it under a symbol; a build that lacks it says yes.
 */
export function sdkIsProcessing(context: Context): boolean {
  return (context as { isProcessing?(): boolean }).isProcessing?.() ?? true;
}

export {
  CancelledError,
  createEndpointHandler,
  handlers as sdkHandlers,
  object as sdkObject,
  RestateError,
  RetryableError,
  rpc,
  serde,
  service as sdkService,
  TerminalError,
  TimeoutError,
  workflow as sdkWorkflow,
} from "#restate";

export type {
  Context,
  Duration,
  GenericCall,
  GenericSend,
  InvocationId,
  ObjectContext,
  ObjectSharedContext,
  RestatePromise as SdkRestatePromise,
  RetryPolicy,
  RunAction,
  RunOptions,
  Serde,
  ServiceDefinition,
  ServiceOptions,
  VirtualObjectDefinition,
  WorkflowContext,
  WorkflowDefinition,
  WorkflowSharedContext,
} from "@restatedev/restate-sdk/fetch";
