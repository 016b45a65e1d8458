/**
 * A Kafka broker with one partition a topic, for one consumer group at a time: as much of the protocol as a consumer needs.
 * Records are kept in memory. Source of the protocol: https://kafka.apache.org/protocol, "The Messages", and
 * https://kafka.apache.org/documentation/#recordbatch.
 */
import { createServer, type Socket } from "node:net";
import { KafkaReader, KafkaWriter, recordBatch } from "./kafka-wire.ts";

/** A record of a topic. */
export interface KafkaRecord {
  readonly key: string;
  readonly value: string;
}

export interface KafkaBroker {
  /** `host:port`, for `bootstrap.servers`. */
  readonly address: string;
  /** Appends a record to a topic. */
  produce(topic: string, record: KafkaRecord): void;
  /** The offset that the group has committed, which is that of the next record; -1: none so far. */
  committed(topic: string): number;
  close(): Promise<void>;
}

/** The calls that are answered: their number and the only version of each. */
const CALLS = {
  fetch: [1, 4],
  listOffsets: [2, 1],
  metadata: [3, 1],
  offsetCommit: [8, 2],
  offsetFetch: [9, 1],
  findCoordinator: [10, 0],
  joinGroup: [11, 0],
  heartbeat: [12, 0],
  leaveGroup: [13, 0],
  syncGroup: [14, 0],
} as const;
const API_VERSIONS = 18;
/** Consumers read batches of version 2 only when the broker could be sent such. */
const PRODUCE = [0, 3] as const;

const OK = 0;
const UNSUPPORTED_VERSION = 35;
const MEMBER = "member-1";

interface State {
  readonly topics: Map<string, KafkaRecord[]>;
  readonly committed: Map<string, number>;
  port: number;
}

type Answer = (request: KafkaReader, response: KafkaWriter, state: State) => void;

/** Starts a broker on a free loopback port. */
export async function startKafkaBroker(): Promise<KafkaBroker> {
  const state: State = { topics: new Map(), committed: new Map(), port: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    serve(socket, state);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  state.port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    address: `127.0.0.1:${state.port}`,
    produce: (topic, record) => void recordsOf(state, topic).push(record),
    committed: (topic) => state.committed.get(topic) ?? -1,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function recordsOf({ topics }: State, topic: string): KafkaRecord[] {
  const records = topics.get(topic) ?? [];
  topics.set(topic, records);
  return records;
}

function serve(socket: Socket, state: State): void {
  let pending = Buffer.alloc(0);
  socket.on("data", (data) => {
    pending = Buffer.concat([pending, data]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const length = 4 + pending.readInt32BE(0);
      answer(socket, new KafkaReader(pending.subarray(4, length)), state);
      pending = pending.subarray(length);
    }
  });
}

function answer(socket: Socket, request: KafkaReader, state: State): void {
  const call = request.int16();
  const version = request.int16();
  const response = new KafkaWriter().int32(request.int32());
  request.string(); // The client's id.
  if (call === API_VERSIONS) {
    const supported = [...Object.values(CALLS), PRODUCE, [API_VERSIONS, 0] as const];
    response.int16(version === 0 ? OK : UNSUPPORTED_VERSION);
    response.array(supported, ([key, max]) =>
      response
        .int16(key)
        .int16(key === API_VERSIONS ? 0 : max)
        .int16(max),
    );
  } else {
    const known = ANSWERS.get(call);
    if (known === undefined) return void socket.destroy();
    known(request, response, state);
  }
  // A fetch without records is answered late, so that the consumer does not ask without end.
  const delayMs = call === CALLS.fetch[0] ? 50 : 0;
  setTimeout(() => socket.write(response.frame()), delayMs);
}

const metadata: Answer = (request, response, state) => {
  const topics = request.array(() => request.string());
  response.array([1], (id) => response.int32(id).string("127.0.0.1").int32(state.port).string(null));
  response.int32(1);
  response.array(topics.length === 0 ? [...state.topics.keys()] : topics, (name) => {
    recordsOf(state, name);
    response.int16(OK).string(name).int8(0);
    const nodes = (): unknown => response.array([1], (id) => response.int32(id));
    response.array([0], (partition) => {
      response.int16(OK).int32(partition).int32(1);
      nodes();
      nodes();
    });
  });
};

const findCoordinator: Answer = (_request, response, state) => {
  response.int16(OK).int32(1).string("127.0.0.1").int32(state.port);
};

const joinGroup: Answer = (request, response) => {
  request.string(); // group
  request.int32(); // session timeout
  request.string(); // member
  request.string(); // protocol type
  const [protocol = { name: "", data: Buffer.alloc(0) }] = request.array(() => ({
    name: request.string(),
    data: request.bytes(),
  }));
  response.int16(OK).int32(1).string(protocol.name).string(MEMBER).string(MEMBER);
  response.array([MEMBER], (member) => response.string(member).bytes(protocol.data));
};

const syncGroup: Answer = (request, response) => {
  request.string();
  request.int32();
  request.string();
  const assignments = request.array(() => ({ member: request.string(), data: request.bytes() }));
  response.int16(OK).bytes(assignments[0]?.data ?? Buffer.alloc(0));
};

const acknowledge: Answer = (_request, response) => {
  response.int16(OK);
};

/** The topics of a request, each with what `read` reads of a partition. */
function topicsOf<T>(request: KafkaReader, read: () => T): { readonly name: string; readonly partitions: T[] }[] {
  return request.array(() => ({ name: request.string(), partitions: request.array(read) }));
}

const offsetFetch: Answer = (request, response, state) => {
  request.string();
  response.array(
    topicsOf(request, () => request.int32()),
    ({ name, partitions }) => {
      response.string(name).array(partitions, (partition) => {
        response
          .int32(partition)
          .int64(state.committed.get(name) ?? -1)
          .string("")
          .int16(OK);
      });
    },
  );
};

const offsetCommit: Answer = (request, response, state) => {
  request.string();
  request.int32();
  request.string();
  request.int64(); // retention
  const read = (): { readonly id: number; readonly offset: number } => {
    const partition = { id: request.int32(), offset: request.int64() };
    request.string();
    return partition;
  };
  response.array(topicsOf(request, read), ({ name, partitions }) => {
    response.string(name).array(partitions, ({ id, offset }) => {
      state.committed.set(name, offset);
      response.int32(id).int16(OK);
    });
  });
};

const listOffsets: Answer = (request, response, state) => {
  request.int32(); // replica
  const read = (): { readonly id: number; readonly time: number } => ({ id: request.int32(), time: request.int64() });
  response.array(topicsOf(request, read), ({ name, partitions }) => {
    response.string(name).array(partitions, ({ id, time }) => {
      // -1 asks for the end, -2 for the beginning.
      response
        .int32(id)
        .int16(OK)
        .int64(-1)
        .int64(time === -1 ? recordsOf(state, name).length : 0);
    });
  });
};

const fetchRecords: Answer = (request, response, state) => {
  for (let field = 0; field < 4; field += 1) request.int32(); // replica, longest wait, fewest and most bytes
  request.int8(); // isolation
  const read = (): { readonly id: number; readonly offset: number } => {
    const partition = { id: request.int32(), offset: request.int64() };
    request.int32();
    return partition;
  };
  response.int32(0).array(topicsOf(request, read), ({ name, partitions }) => {
    response.string(name).array(partitions, ({ id, offset }) => {
      const records = recordsOf(state, name);
      response
        .int32(id)
        .int16(OK)
        .int64(records.length)
        .int64(records.length)
        .array([], () => {});
      response.bytes(recordBatch(offset, records.slice(offset)));
    });
  });
};

const ANSWERS: ReadonlyMap<number, Answer> = new Map([
  [CALLS.fetch[0], fetchRecords],
  [CALLS.listOffsets[0], listOffsets],
  [CALLS.metadata[0], metadata],
  [CALLS.offsetCommit[0], offsetCommit],
  [CALLS.offsetFetch[0], offsetFetch],
  [CALLS.findCoordinator[0], findCoordinator],
  [CALLS.joinGroup[0], joinGroup],
  [CALLS.heartbeat[0], acknowledge],
  [CALLS.leaveGroup[0], acknowledge],
  [CALLS.syncGroup[0], syncGroup],
]);
