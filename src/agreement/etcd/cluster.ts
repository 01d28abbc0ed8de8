import type { NodeId } from '../../core/model/index.ts';
import type { Fields, Gateway } from './gateway.ts';
import { nodeOfPeerUrl } from './names.ts';

/** A member as the engine has it. */
export interface EngineMember {
  readonly id: string;
  readonly node: NodeId;
  readonly isLearner: boolean;
  readonly url: string;
}

/** What this node's member says of itself. */
export interface EngineStatus {
  readonly id: string;
  /** undefined: none is known to it. */
  readonly leader: string | undefined;
  readonly isLearner: boolean;
  readonly term: number;
  readonly index: number;
  readonly bytes: number;
  /** The database reached its quota on some member: nothing is written any more until somebody does something about it. */
  readonly isFull: boolean;
}

const STATUS_MS = 1_000;
const CHANGE_MS = 5_000;

/** Who the members are, by way of this node's own. All throw GatewayError. */
export class Cluster {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  async status(): Promise<EngineStatus> {
    const answer = await this.#gateway.post('/v3/maintenance/status', {}, STATUS_MS);
    const leader = answer['leader'];
    return {
      id: String((answer['header'] as Fields)['member_id']),
      leader: typeof leader === 'string' && leader !== '0' ? leader : undefined,
      isLearner: answer['isLearner'] === true,
      term: Number(answer['raftTerm'] ?? 0),
      index: Number(answer['raftIndex'] ?? 0),
      bytes: Number(answer['dbSize'] ?? 0),
      isFull: JSON.stringify(answer['errors'] ?? []).includes('NOSPACE'),
    };
  }

  /** As this member has applied it; a learner does not tell. */
  async list(): Promise<readonly EngineMember[]> {
    const answer = await this.#gateway.post('/v3/cluster/member/list', {}, STATUS_MS);
    return membersOf(answer);
  }

  /** Resolves to all members, the new one too. */
  async addLearner(url: string): Promise<readonly EngineMember[]> {
    return membersOf(await this.#gateway.post('/v3/cluster/member/add', { peerURLs: [url], isLearner: true }, CHANGE_MS));
  }

  /** Refused until the learner has caught up. */
  async promote(id: string): Promise<void> {
    await this.#gateway.post('/v3/cluster/member/promote', { ID: id }, CHANGE_MS);
  }

  async remove(id: string): Promise<void> {
    await this.#gateway.post('/v3/cluster/member/remove', { ID: id }, CHANGE_MS);
  }

  /** Only on the leader. */
  async transfer(id: string): Promise<void> {
    await this.#gateway.post('/v3/maintenance/transfer-leadership', { targetID: id }, CHANGE_MS);
  }

  /**
   * A full database: what was overwritten is forgotten and its room given back, on each member by itself; then the
   * leader takes the alarm off. Where a member is still full it is raised again, and this done again.
   */
  async makeRoom(isLeader: boolean): Promise<void> {
    const { header } = await this.#gateway.post('/v3/kv/range', { key: NO_KEY, keys_only: true }, CHANGE_MS);
    const revision = (header as Fields)['revision'];
    // Refused where another did it just now.
    if (isLeader) await this.#gateway.post('/v3/kv/compaction', { revision, physical: true }, CHANGE_MS).catch(() => undefined);
    await this.#gateway.post('/v3/maintenance/defragment', {}, CHANGE_MS);
    if (!isLeader) return;
    const { alarms } = await this.#gateway.post('/v3/maintenance/alarm', { action: 'GET' }, CHANGE_MS);
    for (const alarm of (alarms as readonly Fields[] | undefined) ?? []) {
      await this.#gateway.post('/v3/maintenance/alarm', { ...alarm, action: 'DEACTIVATE' }, CHANGE_MS);
    }
  }

  /** Whether a majority answers: a linearizable read of nothing. */
  async hasQuorum(timeoutMs: number): Promise<boolean> {
    return this.#gateway.post('/v3/kv/range', { key: NO_KEY, keys_only: true }, timeoutMs).then(
      () => true,
      () => false,
    );
  }
}

const NO_KEY = Buffer.from('caravela/none').toString('base64');

function membersOf(answer: Fields): readonly EngineMember[] {
  return ((answer['members'] as readonly Fields[] | undefined) ?? []).flatMap((member) => {
    const url = String((member['peerURLs'] as readonly string[] | undefined)?.[0]);
    const node = nodeOfPeerUrl(url);
    return node === undefined ? [] : [{ id: String(member['ID']), node, isLearner: member['isLearner'] === true, url }];
  });
}
