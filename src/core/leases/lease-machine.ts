import type { ContainerId, NetworkId, NodeId } from '../model/index.ts';
import { assert } from '../../lib/assert.ts';
import { Holdings } from './holdings.ts';
import type { LeasesHost } from './host.ts';
import { NetworkLeases } from './network-leases.ts';
import type {
  ChangeAnswer,
  KeptAddress,
  KeptLeases,
  LeaseAnswer,
  LeaseRequest,
  LeaseRequestId,
  LeasesAnswer,
  LeaseTimer,
  LeaseToken,
  LeaseTurn,
  NetworkCopy,
  TakeId,
} from './port.ts';
import { LEASES } from './tunables.ts';

/**
 * Leased blocks (DESIGN §9): which addresses this node may give to its containers.
 *
 * The idea is that of DHCP relays, of Docker Swarm's and of flannel's subnets, in one: a node leases small blocks,
 * by agreement, and hands their addresses out alone, so that a start needs agreement once in some 30 starts, and
 * even then not before the next block is half used. Unlike flannel's one subnet a host, fixed in size, blocks come
 * and go with need, so that a /24 can serve 100 hosts; unlike Swarm, no manager gives out each address. A lease has
 * no time limit, so that nothing stops for want of a renewal: it ends when its node returns it or is removed.
 *
 * Safety lies in two rules. Whoever changes leases has read all of the network's first, and the change is
 * committed only if none changed since (the guard). And only a lease's node shrinks it, or has one of its addresses
 * leased to another: it alone knows what is in use. Cost: one read and one transaction for each block.
 */
export class LeaseMachine {
  readonly #self: NodeId;
  readonly #networks = new Map<NetworkId, NetworkLeases>();
  /** Whose the answers under way are. */
  readonly #tokens = new Map<LeaseToken, NetworkId>();
  readonly #host: LeasesHost;
  #lastToken = 0;
  /** Of the timer that writes down what was given back; undefined: none is set. */
  #keepToken: number | undefined;
  #isStarted = false;

  constructor(self: NodeId) {
    this.#self = self;
    this.#host = {
      nextToken: (network) => {
        const token = ++this.#lastToken as LeaseToken;
        this.#tokens.set(token, network);
        return token;
      },
      kept: () => this.#kept(),
      keepSoon: (turn) => this.#keepSoon(turn),
    };
  }

  /** What is in use is counted before anything is handed out. */
  start(turn: LeaseTurn, copies: readonly NetworkCopy[], addresses: readonly KeptAddress[], kept: KeptLeases): void {
    assert(!this.#isStarted, 'the lease machine is started once');
    this.#isStarted = true;
    for (const copy of copies) this.#network(copy.network).holdings.seeCopy(copy);
    const inUse = Map.groupBy(addresses, ({ network }) => network);
    const memories = new Map(kept.map((each) => [each.network, each]));
    for (const network of new Set([...inUse.keys(), ...memories.keys()])) {
      const memory = memories.get(network) ?? { pending: undefined, floor: undefined, recent: [] };
      this.#network(network).holdings.restore(inUse.get(network) ?? [], memory);
    }
    for (const network of this.#networks.values()) network.start(turn);
  }

  /** The copy of the agreed state has something new of a network. */
  agreedChanged(turn: LeaseTurn, copy: NetworkCopy): void {
    const network = this.#network(copy.network);
    network.seeCopy(turn, copy);
    if (network.isEmpty) this.#networks.delete(copy.network);
  }

  /** Answered once by `granted` or `refused`: at once where an address is here. */
  take(turn: LeaseTurn, id: TakeId, network: NetworkId, owner: ContainerId, ip: number | undefined): void {
    assert(this.#isStarted, 'no address is handed out before the lease machine knows what is in use');
    const here = this.#networks.get(network);
    if (here === undefined) turn.refused(id, { code: 'no-network' });
    else here.take(turn, id, owner, ip);
  }

  /** A block of this network is kept whatever is in use. Answered as `take` is. */
  keepOne(turn: LeaseTurn, id: TakeId, network: NetworkId): void {
    const here = this.#networks.get(network);
    if (here === undefined) turn.refused(id, { code: 'no-network' });
    else here.keepOne(turn, id);
  }

  give(turn: LeaseTurn, network: NetworkId, owner: ContainerId): void {
    this.#networks.get(network)?.give(turn, owner);
  }

  /** Of another node, or of this one. Answered once by `answer`. */
  requested(turn: LeaseTurn, id: LeaseRequestId, from: NodeId, request: LeaseRequest): void {
    const here = this.#networks.get(request.network);
    if (here === undefined) turn.answer(id, request.kind === 'return' ? { kind: 'given' } : { kind: 'not-mine' });
    else here.requested(turn, id, from, request);
  }

  read(turn: LeaseTurn, token: LeaseToken, answer: LeasesAnswer): void {
    this.#answered(token)?.read(turn, token, answer);
  }

  changed(turn: LeaseTurn, token: LeaseToken, answer: ChangeAnswer): void {
    this.#answered(token)?.changed(turn, token, answer);
  }

  /** `answer` undefined: the peer did not answer. */
  asked(turn: LeaseTurn, token: LeaseToken, answer: LeaseAnswer | undefined): void {
    this.#answered(token)?.asked(turn, token, answer);
  }

  timer(turn: LeaseTurn, timer: LeaseTimer): void {
    if (timer.network !== '') this.#networks.get(timer.network)?.timer(turn, timer);
    else if (timer.token === this.#keepToken) {
      this.#keepToken = undefined;
      turn.keep(this.#kept());
    }
  }

  /** That it knows anything of. */
  networks(): readonly NetworkId[] {
    return [...this.#networks.keys()];
  }

  inUse(network: NetworkId): ReadonlyMap<ContainerId, number> {
    return this.#networks.get(network)?.holdings.inUse ?? new Map();
  }

  #network(id: NetworkId): NetworkLeases {
    let network = this.#networks.get(id);
    if (network === undefined) {
      network = new NetworkLeases(new Holdings(id, this.#self), this.#host);
      this.#networks.set(id, network);
    }
    return network;
  }

  #answered(token: LeaseToken): NetworkLeases | undefined {
    const network = this.#tokens.get(token);
    this.#tokens.delete(token);
    return network === undefined ? undefined : this.#networks.get(network);
  }

  #kept(): KeptLeases {
    return [...this.#networks.values()].flatMap(({ holdings: { network, pending, floor, recent } }) =>
      pending === undefined && floor === undefined && recent.length === 0 ? [] : [{ network, pending, floor, recent }],
    );
  }

  #keepSoon(turn: LeaseTurn): void {
    if (this.#keepToken !== undefined) return;
    this.#keepToken = ++this.#lastToken;
    turn.setTimer({ name: 'keep', network: '', token: this.#keepToken }, LEASES.keepMs);
  }
}
