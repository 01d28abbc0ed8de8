import type { Resources } from '../../core/model/index.ts';
import { classRank } from '../../core/model/filter.ts';
import type { Ask, NodeShape } from '../workloads/contender.ts';
import type { ContenderSetup } from '../workloads/trial.ts';
import { Baseline } from './baseline.ts';
import type { Effort } from './baseline.ts';
import { BYTES } from './wires.ts';

/** For looking at all nodes and writing the decision down. */
const DECISION_MS = 1;
/** Until the master learns that a node failed. */
const DETECTION_MS = 8_000;
/** What was reserved and not confirmed by then goes elsewhere. */
const CONFIRM_MS = 1_000;

/**
 * One master, as Docker Swarm has: each request goes there, waits in its queue, gets the fullest node that has
 * room by its strategy *binpack* (the one of which the largest part is then in use), is reserved there and
 * answered from there. The master knows what it assigned and is told what ended; it is a machine of its own and
 * never fails, which is more than one can hope for.
 */
export class Central extends Baseline {
  readonly name = 'central';
  readonly #master: number;
  /** What is free as the master sees it. */
  readonly #cpu: Float64Array;
  readonly #memory: Float64Array;
  readonly #up: boolean[];
  /** Times a node came or went; a detection is about one of them. */
  readonly #turns: number[];
  #busyUntilMs = 0;

  constructor(setup: ContenderSetup) {
    super(setup, 1);
    this.#master = setup.nodes.length;
    this.#cpu = this.cluster.freeCpu.slice();
    this.#memory = this.cluster.freeMemory.slice();
    this.#up = setup.nodes.map(() => true);
    this.#turns = setup.nodes.map(() => 0);
  }

  override fail(node: number): void {
    super.fail(node);
    const turn = this.#turn(node);
    this.schedule.after(DETECTION_MS, () => {
      if (this.#turns[node] === turn) this.#up[node] = false;
    });
  }

  override join(node: number): void {
    super.join(node);
    const turn = this.#turn(node);
    this.wires.sendUpkeep(node, this.#master, BYTES.report, () => {
      if (this.#turns[node] !== turn) return;
      const { capacity } = this.cluster.nodes[node] as NodeShape;
      this.#up[node] = true;
      this.#cpu[node] = capacity.cpuMillicores;
      this.#memory[node] = capacity.memoryBytes;
    });
  }

  protected override onReleased(node: number, resources: Resources): void {
    const turn = this.#turns[node];
    this.wires.sendUpkeep(node, this.#master, BYTES.report, () => {
      if (this.#turns[node] === turn) this.#giveBack(node, resources);
    });
  }

  protected begin(effort: Effort): void {
    effort.hops = 1;
    this.wires.send(effort.ask.origin, this.#master, BYTES.ask, () => this.#enqueue(effort, []));
  }

  #enqueue(effort: Effort, tried: readonly number[]): void {
    this.#busyUntilMs = Math.max(this.#busyUntilMs, this.schedule.nowMs) + DECISION_MS;
    this.schedule.at(this.#busyUntilMs, () => this.#decide(effort, tried));
  }

  #decide(effort: Effort, tried: readonly number[]): void {
    const { ask } = effort;
    const node = this.#choose(ask, tried);
    effort.hops++;
    if (node === undefined) {
      this.wires.send(this.#master, ask.origin, BYTES.notFound, () => this.answer(effort, undefined));
      return;
    }
    this.#take(node, ask.resources);
    let heard = false;
    const elsewhere = () => {
      if (heard) return;
      heard = true;
      this.#enqueue(effort, [...tried, node]);
    };
    this.wires.send(this.#master, node, BYTES.reserve, () => this.#reserve(effort, node, () => (heard = true), elsewhere));
    this.schedule.after(CONFIRM_MS, elsewhere);
  }

  /** At the node. A failed one says nothing. */
  #reserve(effort: Effort, node: number, confirmed: () => void, refused: () => void): void {
    const { ask } = effort;
    if (!this.cluster.isUp(node)) return;
    effort.hops++;
    if (!this.cluster.hold(node, ask)) {
      this.wires.refusedReserves++;
      this.wires.send(node, this.#master, BYTES.refuse, refused);
      return;
    }
    this.wires.send(node, this.#master, BYTES.accept, confirmed);
    this.wires.send(node, ask.origin, BYTES.accept, () => {
      if (this.answer(effort, node)) return;
      // A second place, as the first was slow to confirm: it is given back.
      this.wires.send(ask.origin, node, BYTES.cancel, () => {
        const held = this.cluster.release(node, ask.id);
        if (held !== undefined) this.onReleased(node, held);
      });
    });
  }

  #choose(ask: Ask, tried: readonly number[]): number | undefined {
    const cpus = this.#cpu;
    const memories = this.#memory;
    const { nodes, rank, size } = this.cluster;
    const { cpuMillicores: wantedCpu, memoryBytes: wantedMemory } = ask.resources;
    const wantedRank = classRank(ask.class);
    let best = -1;
    let bestLeft = Number.POSITIVE_INFINITY;
    for (let node = 0; node < size; node++) {
      const cpu = cpus[node] as number;
      const memory = memories[node] as number;
      if (cpu < wantedCpu || memory < wantedMemory || (rank[node] as number) < wantedRank) continue;
      const { capacity } = nodes[node] as NodeShape;
      const left = (cpu - wantedCpu) / capacity.cpuMillicores + (memory - wantedMemory) / capacity.memoryBytes;
      if (left < bestLeft && this.#up[node] === true && !tried.includes(node)) {
        best = node;
        bestLeft = left;
      }
    }
    return best < 0 ? undefined : best;
  }

  #take(node: number, resources: Resources): void {
    this.#cpu[node] = (this.#cpu[node] as number) - resources.cpuMillicores;
    this.#memory[node] = (this.#memory[node] as number) - resources.memoryBytes;
  }

  #giveBack(node: number, resources: Resources): void {
    this.#take(node, { cpuMillicores: -resources.cpuMillicores, memoryBytes: -resources.memoryBytes });
  }

  #turn(node: number): number {
    const turn = (this.#turns[node] as number) + 1;
    this.#turns[node] = turn;
    return turn;
  }
}
