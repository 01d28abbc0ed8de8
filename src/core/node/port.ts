import type {
  Command,
  CommandId,
  Container,
  ContainerId,
  Hint,
  Member,
  MemberRecord,
  Message,
  NameEntry,
  NameKey,
  NodeId,
  Observation,
  Offer,
  OrderAnswer,
  OrderId,
  Request,
  Resources,
  TaskId,
  Timer,
  Tombstone,
  Turn,
} from '../model/index.ts';

/** Which set of tunables the machines use (membership/profile.ts has them, each with formula and unit). */
export type ProfileName = 'lan' | 'wan' | 'sim';

export interface NodeConfig {
  readonly self: Omit<MemberRecord, 'incarnation'>;
  readonly profile: ProfileName;
}

/** What survived the last run of this node. */
export interface Kept {
  /** Last one used; the node starts with the next. */
  readonly incarnation: number;
  readonly members: readonly MemberRecord[];
  readonly containers: readonly Container[];
  readonly tombstones: readonly Tombstone[];
  /** What the engine found running; containers absent here and not `exited` below are gone. */
  readonly running: readonly {
    readonly containerId: ContainerId;
    readonly taskId: TaskId;
    readonly pid: number;
    readonly startedAtMs: number;
    readonly paused: boolean;
  }[];
  readonly exited: readonly Observation[];
}

/**
 * One node's core: every machine wired together. Synchronous; effects go to the turn. The daemon and
 * the simulator drive the same class through this interface.
 */
export interface CoreNode {
  /** Once, first: counts what runs, sets timers, orders what the kept state asks for. */
  start(turn: Turn): void;
  receive(turn: Turn, from: NodeId, message: Message): void;
  timer(turn: Turn, timer: Timer): void;
  command(turn: Turn, id: CommandId, command: Command): void;
  answer(turn: Turn, id: OrderId, answer: OrderAnswer): void;
  observe(turn: Turn, observation: Observation): void;

  // Views, valid until the next input.
  self(): Member;
  members(): readonly Member[];
  member(id: NodeId): Member | undefined;
  containers(): readonly Container[];
  container(id: ContainerId): Container | undefined;
  resources(): { readonly capacity: Resources; readonly held: Resources; readonly free: Resources; readonly holds: number };
  runs(): readonly Request[];
  /** Offers this node holds as a trader, and hints it knows. */
  offers(): readonly Offer[];
  hints(): readonly Hint[];
  /** What this node keeps as the owner of keys of the name directory. */
  names(): readonly (NameEntry & { readonly key: NameKey })[];
  /** How many entries its other tables and queues have, by what is in them. */
  sizes(): Readonly<Record<string, number>>;
}
