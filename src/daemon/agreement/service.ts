import { randomInt } from 'node:crypto';
import { AgreementUnavailable, type StoreAccess } from '../../agreement/port.ts';
import type { AgreementHost, MembersStatus } from '../../agreement/members/port.ts';
import type { Copy } from '../../agreement/state/copy.ts';
import { encodeFact } from '../../agreement/state/codec.ts';
import { put } from '../../agreement/state/deciding.ts';
import { KEYS, PREFIX } from '../../agreement/state/keys.ts';
import type { NodeChanges } from '../../agreement/state/port.ts';
import { AgreementRefused, type AgreementRole, type AgreementService, type AgreementStatus } from '../../api/agreement-service.ts';
import type { AgreedNode, AgreedVersion, Member, NodeId } from '../../core/model/index.ts';
import type { GossipKeys } from '../../transport/trust/gossip-keys.ts';
import type { Log } from '../log.ts';
import type { CaKey } from './ca-key.ts';
import { formatSnapshot, type Pair, parseSnapshot, restored } from './snapshot.ts';

export interface AgreementServiceParts {
  readonly self: NodeId;
  readonly instanceId: string;
  readonly host: AgreementHost;
  readonly store: StoreAccess;
  readonly copy: Copy;
  readonly ring: { readonly keys: GossipKeys };
  readonly nodes: NodeChanges;
  readonly caKey: Pick<CaKey, 'isHere'>;
  members(): readonly Member[];
  nameOf(id: NodeId): string;
  /** Asks every node that answers for what is newer than this copy. */
  fetchNewest(): Promise<void>;
  wallMs(): number;
  readonly log: Log;
}

/**
 * Two who rebuild agreement on both sides of a cut must not come to the same epoch: each raises it by so much at most,
 * drawn by lot.
 */
const EPOCH_STEPS = 1_000_000;

/** What the API asks of agreement. */
export class AgreementAdmin implements AgreementService {
  readonly #parts: AgreementServiceParts;
  /** What begins agreement anew is done one after the other. */
  #rebuilding: Promise<unknown> = Promise.resolve();

  constructor(parts: AgreementServiceParts) {
    this.#parts = parts;
  }

  async status(): Promise<AgreementStatus> {
    const { host, copy } = this.#parts;
    const { members, ...rest } = await host.status();
    return {
      ...rest,
      version: copy.version,
      members: members.map(({ epoch: _epoch, hasAnswered: _answered, ...member }) => ({
        ...member,
        name: this.#parts.nameOf(member.node),
      })),
      troubles: [...rest.troubles, ...this.#thin()],
    };
  }

  /** Without a majority it is this node's copy, which may lack the newest. */
  async snapshot(): Promise<Buffer> {
    const { instanceId, copy, store } = this.#parts;
    const read = await store.range(PREFIX).catch((error: unknown) => {
      if (!(error instanceof AgreementUnavailable)) throw error;
      return { value: copy.entries(), version: copy.version };
    });
    return formatSnapshot({ instanceId, version: read.version, takenAtMs: this.#parts.wallMs(), entries: read.value });
  }

  restore(bytes: Buffer): Promise<AgreedVersion> {
    return this.#afterOthers(() => this.#restore(bytes));
  }

  recover(): Promise<AgreedVersion> {
    return this.#afterOthers(() => this.#recover());
  }

  async rotateKey(): Promise<void> {
    await this.#parts.store.transact({ when: [], then: [put({ kind: 'gossip-keys-due' })] });
  }

  role(): AgreementRole {
    const { host } = this.#parts;
    if (host.isMember) return host.isLearner ? 'learner' : 'agreement';
    return host.isCandidate ? 'none' : 'no etcd';
  }

  members(): readonly NodeId[] {
    return this.#parts.host.memberNodes();
  }

  nodes(): readonly AgreedNode[] {
    return [...this.#parts.copy.views.nodes.values()];
  }

  async removeNode(nameOrId: string, force: boolean): Promise<AgreedNode> {
    const { self, nodes, copy, log } = this.#parts;
    const node = this.#find(nameOrId);
    if (node.id === self)
      throw new AgreementRefused(
        'conflict',
        `${node.name} is the node you ask: say "caravela leave" there, or ask another node to remove it`,
      );
    const isAlive = this.#parts.members().some((member) => member.id === node.id && member.state === 'alive');
    if (isAlive && !force) {
      throw new AgreementRefused(
        'conflict',
        `node ${node.name} is alive: say "caravela leave" on it, which stops its containers and cleans it up. With --force it is shut out as it is: its containers run on there, cut off from the others`,
      );
    }
    const [only, ...others] = this.members();
    if (isAlive && only === node.id && others.length === 0) {
      throw new AgreementRefused(
        'conflict',
        `node ${node.name} alone takes part in agreement, and nothing could be agreed without it: say "caravela leave" on it, which hands its part over; or, where it is in wrong hands, stop it and run "caravela agreement recover" on a node with etcd, then remove it`,
      );
    }
    // A member has it before it is written down as a holder.
    const hadKey = copy.views.caHolders.has(node.id) || this.members().includes(node.id);
    const removed = await nodes.endNode(node.id, 'removed', this.#parts.wallMs());
    if (removed === undefined) throw new AgreementRefused('not-found', `no such node: ${nameOrId}`);
    log('info', 'a node was removed from the instance', { node: removed.name, id: removed.id.slice(0, 12) });
    if (hadKey) {
      log('warn', 'the removed node held the key that signs certificates: if it is in wrong hands, make a new instance', {
        node: removed.name,
      });
    }
    return removed;
  }

  #find(nameOrId: string): AgreedNode {
    const all = this.nodes();
    const named = all.filter((node) => node.state === 'in' && node.name === nameOrId);
    const found = named.length > 0 ? named : all.filter((node) => /^[0-9a-f]{3,32}$/.test(nameOrId) && node.id.startsWith(nameOrId));
    if (found.length > 1) throw new AgreementRefused('conflict', `${nameOrId} fits ${found.length} nodes: write more of the id`);
    // Removed by its name, and asked for again.
    const [node] = found.length > 0 ? found : all.filter((each) => each.state === 'removed' && each.name === nameOrId);
    if (node === undefined) throw new AgreementRefused('not-found', `no such node: ${nameOrId}; "caravela nodes" shows those there are`);
    return node;
  }

  /** Two at once would each find that nobody answers. */
  #afterOthers<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#rebuilding.then(work);
    this.#rebuilding = done.catch(() => undefined);
    return done;
  }

  async #restore(bytes: Buffer): Promise<AgreedVersion> {
    let entries: readonly Pair[];
    try {
      entries = restored(parseSnapshot(bytes, this.#parts.instanceId), await this.#newest());
    } catch (error) {
      throw new AgreementRefused('invalid', (error as Error).message);
    }
    return this.#rebuild(entries, 'restored from a snapshot');
  }

  async #recover(): Promise<AgreedVersion> {
    const { store, copy } = this.#parts;
    const answers = await store.get(KEYS.networksGuard).then(
      () => true,
      () => false,
    );
    const status = await this.#parts.host.status();
    if (answers || status.hasQuorum) {
      throw new AgreementRefused(
        'conflict',
        'a majority of the agreement members answers: there is nothing to recover, and what they agreed on would be lost',
      );
    }
    this.#expectLost(status);
    await this.#newest();
    if (copy.version.epoch === 0) {
      throw new AgreementRefused(
        'failed',
        'no node that answers has a copy of what was agreed: use "caravela agreement restore" with a snapshot',
      );
    }
    return this.#rebuild(copy.entries(), 'recovered');
  }

  /** Others may see alive what this node can't reach: then a majority may well agree on things meanwhile. */
  #expectLost({ members }: MembersStatus): void {
    const alive = new Set(this.#parts.members().flatMap((member) => (member.state === 'alive' ? [member.id] : [])));
    const silent = members.filter(({ node, hasAnswered }) => !hasAnswered && alive.has(node));
    const up = members.filter(({ isReachable }) => isReachable);
    if (silent.length === 0 || (silent.length + up.length) * 2 <= members.length) return;
    const names = silent.map(({ node }) => this.#parts.nameOf(node)).join(', ');
    throw new AgreementRefused(
      'conflict',
      `a majority of the agreement members may live: alive as others tell, and without an answer to this node: ${names}. Where they are down, try again when "caravela nodes" says so; where only this node can't reach them, mend that; where they are given up, stop caravela on them first`,
    );
  }

  /** The newest that anybody who answers knows. */
  async #newest(): Promise<readonly Pair[]> {
    await this.#parts.fetchNewest();
    return this.#parts.copy.entries();
  }

  async #rebuild(entries: readonly Pair[], how: string): Promise<AgreedVersion> {
    const { host, copy, log } = this.#parts;
    this.#expectKey();
    const epoch = copy.version.epoch + 1 + randomInt(EPOCH_STEPS);
    let version: AgreedVersion;
    try {
      version = await host.recoverFrom(this.#withKeys(entries), epoch);
    } catch (error) {
      throw new AgreementRefused('failed', (error as Error).message);
    }
    log('warn', `agreement was ${how}, on this node`, { epoch: version.epoch, entries: entries.length });
    return version;
  }

  /** Where none are agreed yet, or no more, nodes that changed the key of datagrams and nodes that did not would not come together again. */
  #withKeys(entries: readonly Pair[]): readonly Pair[] {
    if (entries.some(({ key }) => key === KEYS.gossipKeys)) return entries;
    return [...entries, encodeFact({ kind: 'gossip-keys', keys: this.#parts.ring.keys })];
  }

  /** A new member needs a certificate, which only few can sign. */
  #expectKey(): void {
    const { caKey, copy } = this.#parts;
    if (caKey.isHere) return;
    const nameOf = (id: NodeId): string => this.#parts.nameOf(id);
    const alive = new Set(this.#parts.members().flatMap((member) => (member.state === 'alive' ? [member.id] : [])));
    const holders = [...copy.views.caHolders].map((id) => (alive.has(id) ? nameOf(id) : `${nameOf(id)} (does not answer)`));
    throw new AgreementRefused(
      'failed',
      `this node does not have the key that signs certificates, so it can't begin agreement anew: do it on one of those that have it: ${holders.join(', ') || 'none is known'}`,
    );
  }

  /** What the next loss would do, where it would be the end of agreement. */
  #thin(): readonly string[] {
    const alive = this.#parts.members().filter((member) => member.state === 'alive');
    const members = this.members();
    const [only] = members;
    if (alive.length < 2 || members.length !== 1 || only === undefined) return [];
    const name = this.#parts.nameOf(only);
    return [
      `${name} alone takes part in agreement: if it is lost, names, networks and tokens stay as they are until "caravela agreement recover" is run on another node with etcd. Three nodes with etcd stand the loss of one.`,
    ];
  }
}
