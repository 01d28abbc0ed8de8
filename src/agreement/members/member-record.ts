import { readFileSync } from 'node:fs';
import { type NodeId, nodeId } from '../../core/model/index.ts';
import { writeDurably } from './write-durably.ts';

/** What a node keeps of its being a member, beside the engine's own data. */
export interface MemberRecord {
  readonly epoch: number;
  /**
   * `making`: the first of a cluster that is not complete; after a crash it is wiped. `learner`: cannot serve yet.
   */
  readonly phase: 'making' | 'learner' | 'voter';
  readonly peerPort: number;
  /** As etcd's flag, for a start without data. */
  readonly initialCluster: string;
  /** Of the members when last looked: whose names the engine must find when it starts. */
  readonly members: readonly NodeId[];
}

const VERSION = 1;

/** undefined: this node is no member. @throws Error naming a file that can't be understood */
export function readRecord(path: string): MemberRecord | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { v, ...record } = JSON.parse(text) as MemberRecord & { readonly v: number };
  if (v !== VERSION) throw new Error(`${path} was written by another version of caravela (${v}): install that one`);
  return { ...record, members: record.members.map(nodeId) };
}

export function writeRecord(path: string, record: MemberRecord): void {
  writeDurably(path, JSON.stringify({ v: VERSION, ...record }));
}
