import type {
  ChangeAnswer,
  LeaseAnswer,
  LeaseRequestId,
  LeasesAnswer,
  LeaseToken,
  LeaseTurn,
  NetworkFacts,
  TakeRefusal,
} from '../../core/leases/port.ts';
import type { NetworkId, NodeId } from '../../core/model/index.ts';
import { Prng } from '../../lib/prng.ts';
import { Schedule } from '../schedule.ts';
import { LeaseCluster } from './lease-cluster.ts';
import type { LeaseFaults } from './lease-faults.ts';
import { NO_LEASE_FAULTS } from './lease-faults.ts';
import { LeaseNode } from './lease-node.ts';
import type { LeaseNodeWorld, Take } from './lease-node.ts';
import { LeaseRules } from './lease-rules.ts';

/** Ways to break the machine or its surroundings on purpose: each must be noticed by a rule. */
export interface Sabotage {
  readonly ignoresGuard?: boolean;
  readonly forgetsKept?: boolean;
  readonly deafToRenumber?: boolean;
  readonly neverReclaims?: boolean;
  readonly losesTimers?: boolean;
}

const STEPS_PER_SECOND = 50_000;
/** After this, who asked the agreement gives up. */
const AGREEMENT_MS = 2_500;
const QUESTION_MS = 3_000;

/** Nodes, their agreement, and what lies between them, in virtual time. */
export class LeaseWorld implements LeaseNodeWorld {
  readonly random: Prng;
  readonly schedule = new Schedule(STEPS_PER_SECOND);
  readonly cluster: LeaseCluster;
  readonly rules: LeaseRules;
  readonly nodes: LeaseNode[] = [];
  readonly sabotage: Sabotage;
  /** The network each node keeps a block of. */
  readonly defaultNetwork: NetworkId;
  faults: LeaseFaults = NO_LEASE_FAULTS;
  /** Reach nobody. */
  readonly cut = new Set<LeaseNode>();
  /** Whose copy stands still. */
  readonly lagging = new Set<LeaseNode>();
  readonly counts = new Map<string, number>();
  readonly #questions = new Map<LeaseNode, Map<LeaseRequestId, (answer: LeaseAnswer) => void>>();

  constructor(seed: number, nodes: number, networks: ReadonlyMap<NetworkId, NetworkFacts>, sabotage: Sabotage) {
    this.random = new Prng(seed);
    this.sabotage = sabotage;
    this.rules = new LeaseRules(() => this.schedule.nowMs);
    this.cluster = new LeaseCluster(sabotage.ignoresGuard ?? false, (commit) => {
      this.rules.onCommit(commit);
      this.rules.ownedOrRevoked(this.nodes, this.cluster, commit.network);
      for (const node of this.nodes) this.#spread(node);
    });
    for (const [network, facts] of networks) this.cluster.create(network, facts);
    this.defaultNetwork = [...networks.keys()][0] ?? ('' as NetworkId);
    for (let i = 0; i < nodes; i++) this.nodes.push(new LeaseNode(`node-${i}` as NodeId, this.cluster.snapshot, this));
    for (const node of this.nodes) node.start(this.defaultNetwork);
  }

  nowMs(): number {
    return this.schedule.nowMs;
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  granted(node: LeaseNode, take: Take, address: number): void {
    this.count('granted');
    this.rules.ownedOrRevoked([node], this.cluster, take.network, address);
  }

  refused(_node: LeaseNode, _take: Take, { code }: TakeRefusal): void {
    this.count(`refused ${code}`);
  }

  diesNow(node: LeaseNode): boolean {
    if (!this.random.chance(this.faults.deathAmidEffects)) return false;
    this.count('death amid effects');
    this.schedule.after(100 + this.random.int(3_000), () => this.restart(node));
    return true;
  }

  crash(node: LeaseNode): void {
    node.crash();
    this.#questions.delete(node);
  }

  cutPower(node: LeaseNode): void {
    node.cutPower();
    this.#questions.delete(node);
  }

  restart(node: LeaseNode): void {
    if (node.isUp) return;
    this.#questions.delete(node);
    node.start(this.defaultNetwork);
    this.#spread(node);
  }

  heal(): void {
    this.faults = NO_LEASE_FAULTS;
    this.cut.clear();
    this.lagging.clear();
    for (const node of this.nodes) {
      this.restart(node);
      this.#spread(node);
    }
  }

  io(node: LeaseNode): ReturnType<LeaseNodeWorld['io']> {
    return {
      setTimer: (timer, afterMs) => {
        if (this.sabotage.losesTimers !== true || timer.name !== 'idle')
          this.#later(node, afterMs, () => node.input((turn, machine) => machine.timer(turn, timer)));
      },
      readLeases: (token, network) => this.#read(node, token, network),
      changeLeases: (...change) => this.#change(node, ...change),
      ask: (token, to, request) => {
        const { generation } = node;
        const answered = (answer: LeaseAnswer | undefined) => {
          // Who asked before it died is not there for the answer.
          if (node.generation === generation) node.input((turn, machine) => machine.asked(turn, token, answer));
        };
        const isLost = this.random.chance(this.faults.lostQuestion) || this.cut.has(node);
        this.#later(node, this.cut.has(node) ? 1 : QUESTION_MS, () => answered(undefined));
        const peer = this.nodes.find(({ id }) => id === to);
        if (peer === undefined || isLost) return;
        this.#later(peer, this.#delayMs(), () => {
          if (this.cut.has(peer)) return;
          const id = peer.nextRequest();
          const answers = this.#questions.get(peer) ?? new Map<LeaseRequestId, (answer: LeaseAnswer) => void>();
          this.#questions.set(peer, answers);
          answers.set(id, (answer) => {
            if (!this.random.chance(this.faults.lostQuestion) && !this.cut.has(node))
              this.#later(node, this.#delayMs(), () => answered(answer));
          });
          if (this.sabotage.neverReclaims === true && request.kind === 'reclaim') this.io(peer).answer(id, { kind: 'none' });
          else peer.input((turn, machine) => machine.requested(turn, id, node.id, request));
        });
      },
      answer: (request, answer) => {
        const answers = this.#questions.get(node);
        answers?.get(request)?.(answer);
        answers?.delete(request);
      },
    };
  }

  /** An operator puts an older state of all back: anybody may have lost anything. */
  restore(back: number): void {
    const serial = this.cluster.restore(back);
    for (const node of this.nodes) this.rules.revoked(node.id, serial);
    for (const node of this.nodes) this.#spread(node);
  }

  /** What an operator does who wants a network gone: every node returns what it has of it. */
  returnAll(network: NetworkId): void {
    for (const node of this.nodes) {
      if (!this.cut.has(node))
        node.input((turn, machine) => machine.requested(turn, node.nextRequest(), node.id, { kind: 'return', network }));
    }
  }

  #read(node: LeaseNode, token: LeaseToken, network: NetworkId): void {
    const answer = (said: LeasesAnswer) => node.input((turn, machine) => machine.read(turn, token, said));
    if (this.cut.has(node)) {
      this.#later(node, 1, () => answer('unavailable'));
      return;
    }
    const { lostRequest, lostAnswer } = this.faults;
    if (this.random.chance(lostRequest + lostAnswer)) {
      this.#later(node, AGREEMENT_MS, () => answer('unavailable'));
      return;
    }
    this.schedule.after(this.#delayMs(), () => {
      const read = this.cluster.read(network);
      this.#later(node, this.#delayMs(), () => {
        node.readIn.set(network, read.epoch);
        answer(read);
      });
    });
  }

  #change(node: LeaseNode, ...[token, network, guard, change, keep]: Parameters<LeaseTurn['changeLeases']>): void {
    const answer = (said: ChangeAnswer) => node.input((turn, machine) => machine.changed(turn, token, said));
    const { random, faults } = this;
    if (this.cut.has(node) || (keep !== undefined && random.chance(faults.fullDisk))) {
      this.#later(node, 1, () => answer('unavailable'));
      return;
    }
    if (keep !== undefined) node.keep(keep);
    if (random.chance(faults.lostRequest)) {
      this.#later(node, AGREEMENT_MS, () => answer('unknown'));
      return;
    }
    const isLate = random.chance(faults.lateCommit);
    const epoch = node.readIn.get(network);
    const isLost = isLate || random.chance(faults.lostAnswer);
    if (isLost) this.#later(node, AGREEMENT_MS, () => answer('unknown'));
    this.schedule.after(isLate ? random.int(4 * AGREEMENT_MS) : this.#delayMs(), () => {
      // It was for the cluster of that epoch, which is no more.
      if (this.cluster.snapshot.epoch !== epoch) {
        if (!isLost) this.#later(node, AGREEMENT_MS, () => answer('unknown'));
        return;
      }
      const outcome = this.cluster.change(node.id, network, guard, change);
      if (isLate && outcome === 'done') this.count('late commit');
      const { snapshot } = this.cluster;
      if (isLost) return;
      this.#later(node, this.#delayMs(), () => {
        if (outcome === 'done') this.#sync(node, snapshot);
        answer(outcome);
      });
    });
  }

  /** Something new is agreed: the node's copy learns it after a while, unless it lags or is cut off. */
  #spread(node: LeaseNode): void {
    this.#later(node, 5 + this.random.int(300), () => {
      if (!this.cut.has(node) && !this.lagging.has(node)) this.#sync(node, this.cluster.snapshot);
    });
  }

  #sync(node: LeaseNode, snapshot: LeaseCluster['snapshot']): void {
    node.sync(snapshot);
    this.rules.ownedOrRevoked([node], this.cluster, undefined);
  }

  /** Nothing comes to a node that has died since. */
  #later(node: LeaseNode, afterMs: number, run: () => void): void {
    const { generation } = node;
    this.schedule.after(afterMs, () => {
      if (node.isUp && node.generation === generation) run();
    });
  }

  #delayMs(): number {
    return 1 + this.random.int(this.random.chance(0.05) ? 400 : 15);
  }
}
