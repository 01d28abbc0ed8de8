import { assertNever } from '../../lib/assert.ts';
import { EVEN_TEMPER } from '../host/sim-engine.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { PacketNetwork } from '../network/packet-network.ts';
import type { Schedule } from '../schedule.ts';
import type { Trace } from '../trace.ts';
import { describeFault } from './fault.ts';
import type { Fault, FaultKind } from './fault.ts';

/** Makes faults happen and end. `heal` ends all that last and lets no further one begin. */
export class FaultInjector {
  /** Faults that took place. */
  readonly counts = new Map<FaultKind, number>();
  readonly #ends = new Set<() => void>();
  #healed = false;
  readonly #nodes: readonly SimNode[];
  readonly #network: PacketNetwork;
  readonly #schedule: Schedule;
  readonly #trace: Trace;
  readonly #restart: (node: SimNode) => void;

  /** @param restart brings a node's daemon back */
  constructor(nodes: readonly SimNode[], network: PacketNetwork, schedule: Schedule, trace: Trace, restart: (node: SimNode) => void) {
    this.#nodes = nodes;
    this.#network = network;
    this.#schedule = schedule;
    this.#trace = trace;
    this.#restart = restart;
  }

  /** Whether any fault lasts now. */
  get active(): boolean {
    return this.#ends.size > 0;
  }

  plan(faults: readonly Fault[]): void {
    for (const fault of faults) this.#schedule.at(fault.atMs, () => this.#begin(fault));
  }

  heal(): void {
    this.#healed = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
    for (const node of this.#nodes) this.#bringBack(node);
  }

  #begin(fault: Fault): void {
    const node = 'node' in fault ? this.#nodes[fault.node] : undefined;
    if (this.#healed || node?.up === false || node?.gone === true) return;
    const end = this.#cause(fault);
    this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
    this.#trace.note(this.#schedule.nowMs, 'node' in fault ? fault.node : -1, `fault ${describeFault(fault)}`);
    this.#ends.add(end);
    this.#schedule.after(fault.forMs, () => {
      if (!this.#ends.delete(end)) return;
      this.#trace.note(this.#schedule.nowMs, 'node' in fault ? fault.node : -1, `end of ${fault.kind}`);
      end();
    });
  }

  /** Returns what ends the fault. */
  #cause(fault: Fault): () => void {
    const node = 'node' in fault ? (this.#nodes[fault.node] as SimNode) : undefined;
    switch (fault.kind) {
      case 'crash':
        node?.crashWithin(fault.effects);
        return () => this.#bringBack(node, true);
      case 'reboot':
        node?.reboot();
        return () => this.#bringBack(node);
      case 'readdress':
        node?.crash();
        if (!this.#nodes.some((other) => other.ip === fault.ip)) node?.readdress(fault.ip);
        return () => this.#bringBack(node);
      case 'pause':
        node?.pause();
        return () => node?.resume();
      case 'partition': {
        const side = new Set(fault.side);
        return this.#network.block((from, to) => {
          const out = side.has(from) && !side.has(to);
          const into = !side.has(from) && side.has(to);
          return fault.blocked === 'both' ? out || into : fault.blocked === 'out' ? out : into;
        });
      }
      case 'loss':
        return this.#network.worsen({ loss: fault.loss });
      case 'slow':
        return this.#network.worsen({ minLatencyMs: fault.latencyMs });
      case 'disk-full':
        if (node !== undefined) node.diskFull = true;
        return () => {
          if (node !== undefined) node.diskFull = false;
        };
      case 'engine-broken':
        if (node !== undefined) node.engine.temper = { ...EVEN_TEMPER, createFails: 0.9, startFails: 0.9 };
        return () => {
          if (node !== undefined) node.engine.temper = { ...EVEN_TEMPER };
        };
      case 'leave':
        if (node !== undefined) this.#leave(node);
        return () => undefined;
      case 'drain':
        node?.command({ kind: 'describe', change: { draining: true } }, () => undefined);
        return () => node?.command({ kind: 'describe', change: { draining: false } }, () => undefined);
      case 'wall-jump':
        node?.clock.jump(fault.byMs);
        return () => undefined;
      default:
        return assertNever(fault);
    }
  }

  /** The daemon gossips its goodbye, then ends with its containers. Small instances stay together. */
  #leave(node: SimNode): void {
    if (this.#nodes.filter((other) => !other.gone).length <= FEWEST) return;
    node.gone = true;
    node.command({ kind: 'leave' }, () => undefined);
    this.#schedule.after(GOODBYE_MS, () => node.reboot());
  }

  /** A crash that waited in vain for effects happens at the latest here. */
  #bringBack(node: SimNode | undefined, crashFirst = false): void {
    if (node === undefined || node.gone) return;
    if (crashFirst) node.crash();
    node.resume();
    if (!node.up) this.#restart(node);
  }
}

/** Nodes that stay in any case: the bootstrap node's peers among them. */
const FEWEST = 3;
/** What the daemon gives its goodbye before it exits. */
const GOODBYE_MS = 1_000;
