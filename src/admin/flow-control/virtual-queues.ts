import { z } from "zod";
import type { AdminHttp } from "../admin-http.ts";
import { command, type Command } from "../operation.ts";
import { sql } from "../sql.ts";

/** A queue of invocations that one limit is for. */
export interface VirtualQueue {
  readonly id: string;
  readonly paused: boolean;
  readonly service?: string | undefined;
  readonly scope?: string | undefined;
  readonly limitKey?: string | undefined;
  /** Invocations that wait for their turn. */
  readonly waiting: number;
  readonly running: number;
  readonly suspended: number;
}

/** What `virtualQueues` of the client calls. */
export const VIRTUAL_QUEUE_OPERATIONS: { readonly pause: Command; readonly resume: Command } = {
  pause: { method: "POST", path: "/vqueues/{vqueue_id}/pause" },
  resume: { method: "POST", path: "/vqueues/{vqueue_id}/resume" },
};

const rowSchema = z.object({
  id: z.string(),
  paused: z.boolean(),
  service: z.string().optional(),
  scope: z.string().optional(),
  limit_key: z.string().optional(),
  waiting: z.int(),
  running: z.int(),
  suspended: z.int(),
});

/** Queues of Restate's flow control, on servers with the feature `vqueues`. */
export class VirtualQueues {
  readonly #http: AdminHttp;

  constructor(http: AdminHttp) {
    this.#http = http;
  }

  /** Queues that hold invocations or are paused, by id. */
  async list({ limit = 1_000 }: { readonly limit?: number } = {}): Promise<readonly VirtualQueue[]> {
    const rows = await this.#http.query(
      sql`SELECT id, queue_is_paused AS paused, service_name AS service, scope, limit_key, num_inbox AS waiting, num_running AS running, num_suspended AS suspended FROM sys_vqueue_meta WHERE is_active OR queue_is_paused OR num_suspended > 0 ORDER BY id LIMIT ${limit}`,
      rowSchema,
    );
    return rows.map(({ limit_key: limitKey, ...queue }) => ({ ...queue, limitKey }));
  }

  /**
   * Marks a queue as paused, so that Restate starts nothing of it. (restate-server 1.7.12 sets the mark, and was seen to
   * start what is sent to the queue nevertheless.)
   */
  pause(id: string): Promise<void> {
    return command(this.#http, VIRTUAL_QUEUE_OPERATIONS.pause, { params: [id] });
  }

  /** Takes the mark of `pause()` away. */
  resume(id: string): Promise<void> {
    return command(this.#http, VIRTUAL_QUEUE_OPERATIONS.resume, { params: [id] });
  }
}
