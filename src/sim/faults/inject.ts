import type { SimNode } from '../host/sim-node.ts';
import type { PacketNetwork } from '../network/packet-network.ts';
import type { Schedule } from '../schedule.ts';
import type { Trace } from '../trace.ts';
import { causeFault } from './families.ts';
import { describeFault } from './fault.ts';
import type { Fault, FaultKind } from './fault.ts';
import { bringBack } from './reach.ts';
import type { End, Reach } from './reach.ts';

/** Makes faults happen and end. `heal` ends all that last and lets no further one begin. */
export class FaultInjector {
  /** Faults that took place. */
  readonly counts = new Map<FaultKind, number>();
  readonly #ends = new Set<End>();
  #healed = false;
  readonly #reach: Reach;
  readonly #trace: Trace;

  /** @param start brings a node's daemon up */
  constructor(nodes: readonly SimNode[], network: PacketNetwork, schedule: Schedule, trace: Trace, start: (node: SimNode) => void) {
    this.#reach = { nodes, network, schedule, start, healed: () => this.#healed };
    this.#trace = trace;
  }

  plan(faults: readonly Fault[]): void {
    for (const fault of faults) this.#reach.schedule.at(fault.atMs, () => this.#begin(fault));
  }

  heal(): void {
    this.#healed = true;
    for (const end of this.#ends) end();
    this.#ends.clear();
    for (const node of this.#reach.nodes) bringBack(this.#reach, node);
  }

  #begin(fault: Fault): void {
    const end = this.#healed ? undefined : causeFault(this.#reach, fault);
    if (end === undefined) return;
    const { schedule } = this.#reach;
    this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
    this.#trace.note(schedule.nowMs, 'node' in fault ? fault.node : -1, `fault ${describeFault(fault)}`);
    this.#ends.add(end);
    schedule.after(fault.forMs, () => {
      if (!this.#ends.delete(end)) return;
      this.#trace.note(schedule.nowMs, 'node' in fault ? fault.node : -1, `end of ${fault.kind}`);
      end();
    });
  }
}
