import { formatCidr, formatIpv4, parseCidr, parseIpv4 } from '../../lib/ipv4.ts';
import { Prng } from '../../lib/prng.ts';
import type { ContainerId, Lease, NetworkId, NodeId } from '../model/index.ts';
import { LeaseMachine } from './lease-machine.ts';
import type {
  ChangeAnswer,
  KeptLeases,
  LeaseAnswer,
  LeaseChange,
  LeaseRequest,
  LeaseRequestId,
  LeaseTimer,
  LeaseToken,
  LeaseTurn,
  TakeId,
} from './port.ts';

export const NET = 'net' as NetworkId;
export const A = 'a' as NodeId;
export const B = 'b' as NodeId;
export const cidr = (text: string): Lease['block'] => parseCidr(text) ?? { base: 0, prefix: 0 };
export const lease = (node: string, block: string): Lease => ({ network: NET, node: node as NodeId, block: cidr(block) });
export const ip = (text: string): number => parseIpv4(text) ?? 0;

/**
 * The machine of node a, on one network, and what it wants done, as lines of text in order. The test is its
 * agreement, its peers and its clock.
 */
export class LeaseScript {
  readonly machine = new LeaseMachine(A);
  readonly timers: { readonly timer: LeaseTimer; readonly afterMs: number }[] = [];
  /** What was to be durable with the last change, or kept otherwise. */
  kept: KeptLeases | undefined;
  #lines: string[] = [];
  #token = 0 as LeaseToken;
  #change: LeaseChange = { add: [], remove: [] };
  #revision: number;
  #epoch = 1;
  #leases: readonly Lease[];
  #lastId = 0;
  readonly #turn: LeaseTurn;

  constructor(subnet: string, leases: readonly Lease[] = [], kept: KeptLeases = [], inUse: Readonly<Record<string, string>> = {}) {
    this.#leases = leases;
    this.#revision = 10;
    const say = (line: string) => void this.#lines.push(line);
    this.#turn = {
      random: new Prng(1),
      setTimer: (timer, afterMs) => void this.timers.push({ timer, afterMs }),
      readLeases: (token) => {
        this.#token = token;
        say('read');
      },
      changeLeases: (token, _network, guard, change, keep) => {
        this.#token = token;
        this.#change = change;
        if (keep !== undefined) this.kept = keep;
        const words = [...change.remove.map((each) => `-${words_(each)}`), ...change.add.map((each) => `+${words_(each)}`)];
        say(`change at ${guard}: ${words.join(' ') || 'nothing'}${keep === undefined ? '' : ', kept first'}`);
      },
      ask: (token, to, request) => {
        this.#token = token;
        say(`ask ${to}: ${request.kind}${request.kind === 'cede' ? ` ${formatIpv4(request.address)}` : ''}`);
      },
      answer: (_request, { kind }) => say(`answer ${kind}`),
      granted: (_take, address) => say(`granted ${address === undefined ? 'a block' : formatIpv4(address)}`),
      refused: (_take, refusal) => say(`refused ${refusal.code}`),
      renumber: (_network, container) => say(`renumber ${container}`),
      keep: (kept) => {
        this.kept = kept;
        say('keep');
      },
    };
    const facts = { subnet: cidr(subnet), gateway: cidr(subnet).base + 1 };
    this.#copy = (all) => ({ network: NET, facts, leases: all, version: { epoch: this.#epoch, revision: this.#revision } });
    const addresses = Object.entries(inUse).map(([container, text]) => ({
      network: NET,
      container: container as ContainerId,
      address: ip(text),
    }));
    this.machine.start(this.#turn, [this.#copy(leases)], addresses, kept);
  }

  readonly #copy: (leases: readonly Lease[]) => Parameters<LeaseMachine['agreedChanged']>[1];

  /** What was wanted since it was asked last. */
  seen(): readonly string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  take(container: string, address?: string): this {
    const wanted = address === undefined ? undefined : ip(address);
    this.machine.take(this.#turn, ++this.#lastId as TakeId, NET, container as ContainerId, wanted);
    return this;
  }

  keepOne(): this {
    this.machine.keepOne(this.#turn, ++this.#lastId as TakeId, NET);
    return this;
  }

  give(container: string): this {
    this.machine.give(this.#turn, NET, container as ContainerId);
    return this;
  }

  peer(from: NodeId, request: Omit<LeaseRequest, 'network' | 'address'>, address?: string): this {
    const whole = { ...request, network: NET, ...(address !== undefined && { address: ip(address) }) } as LeaseRequest;
    this.machine.requested(this.#turn, ++this.#lastId as LeaseRequestId, from, whole);
    return this;
  }

  /** The copy moves on. */
  agreed(leases: readonly Lease[], by = 1): this {
    this.#revision += by;
    this.#leases = leases;
    this.machine.agreedChanged(this.#turn, this.#copy(leases));
    return this;
  }

  /** The copy moves on to another epoch, whose revisions begin anew. */
  restored(leases: readonly Lease[]): this {
    this.#epoch += 1;
    this.#revision = 1;
    return this.agreed(leases);
  }

  /** The answer to the last read: what is agreed by now, which the copy need not show. */
  read(leases: readonly Lease[] = this.#leases, guard = this.#revision, epoch = 1): this {
    this.machine.read(this.#turn, this.#token, { leases, guard, epoch });
    return this;
  }

  noMajority(): this {
    this.machine.read(this.#turn, this.#token, 'unavailable');
    return this;
  }

  changed(answer: ChangeAnswer): this {
    const token = this.#token;
    if (answer === 'done') {
      const gone = new Set(this.#change.remove.map(words_));
      this.agreed([...this.#leases.filter((each) => !gone.has(words_(each))), ...this.#change.add]);
    }
    this.machine.changed(this.#turn, token, answer);
    return this;
  }

  said(answer: LeaseAnswer['kind'] | undefined): this {
    this.machine.asked(this.#turn, this.#token, answer === undefined ? undefined : ({ kind: answer } as LeaseAnswer));
    return this;
  }

  /** The newest timer of that name is over. */
  timer(name: LeaseTimer['name']): this {
    const at = this.timers.findLastIndex(({ timer }) => timer.name === name);
    const [found] = this.timers.splice(at, 1);
    if (at < 0 || found === undefined) throw new Error(`no timer ${name} is set`);
    this.machine.timer(this.#turn, found.timer);
    return this;
  }
}

const words_ = ({ node, block }: Lease): string => `${node}:${formatCidr(block)}`;
