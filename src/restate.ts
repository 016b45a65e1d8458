/**
 * The only file that names the Restate SDK.
 *
 * Values come from `#restate`: the import condition `workerd` picks the Workers build, every other runtime the
 * plain one, so a bundle holds one SDK and one `TerminalError`. Types come from the plain package, which declares
 * the same API. Only names that exist at run time in *both* builds may be listed as values here.
 */
import { RestatePromise as SdkPromise } from "#restate";
import type { RestatePromise } from "@restatedev/restate-sdk/fetch";

/** The SDK's `RestatePromise.race`. Only the scheduler may await SDK promises, so its other combinators stay here. */
export function sdkRace<T>(promises: readonly RestatePromise<T>[]): RestatePromise<T> {
  return SdkPromise.race(promises);
}

export {
  CancelledError,
  createEndpointHandler,
  handlers as sdkHandlers,
  object as sdkObject,
  RestateError,
  RetryableError,
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
