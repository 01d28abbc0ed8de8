import type { Command, ContainerId, NodeId, Resources, Result } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { World } from '../world.ts';
import { drawRequest } from './request.ts';

export interface WorkloadOptions {
  readonly fromMs: number;
  readonly untilMs: number;
  /** Mean time between actions of the whole instance. */
  readonly everyMs: number;
  /** Containers per node beyond which it removes rather than runs. */
  readonly crowd: number;
}

interface Known {
  readonly id: ContainerId;
  readonly supplier: NodeId;
}

/** Users at random nodes: they run, start, stop, kill and remove containers, with sizes that fill the instance to refusal. */
export class Workload {
  readonly #world: World;
  readonly #random: Prng;
  readonly #containers: Known[] = [];

  constructor(world: World, random: Prng) {
    this.#world = world;
    this.#random = random;
  }

  /** Acts at drawn moments between two times. */
  schedule(options: WorkloadOptions): void {
    let atMs = options.fromMs;
    for (;;) {
      atMs += -Math.log(1 - this.#random.float()) * options.everyMs;
      if (atMs >= options.untilMs) return;
      this.#world.schedule.at(atMs, () => this.#act(options));
    }
  }

  /** Asks for `resources` at a random node. */
  run(resources?: Resources, exclude: readonly NodeId[] = []): void {
    const node = this.#pickNode();
    if (node === undefined) return;
    const request = drawRequest(this.#random, resources);
    this.#world.command(node, { kind: 'run', request, exclude }, (result) => this.#ran(result));
    if (this.#random.chance(0.05)) {
      this.#world.schedule.after(this.#random.float() * 200, () => this.#command(node, { kind: 'cancel-run', requestId: request.id }));
    }
  }

  #act(options: WorkloadOptions): void {
    const crowded = this.#containers.length > options.crowd * this.#world.nodes.length;
    const dice = this.#random.float();
    if (dice < (crowded ? 0.3 : 0.6)) this.run();
    else this.#touch(dice < (crowded ? 0.6 : 0.75) ? 'remove' : this.#random.pick(['start', 'stop', 'kill'] as const));
  }

  #touch(kind: 'start' | 'stop' | 'kill' | 'remove' | undefined): void {
    const known = this.#random.pick(this.#containers);
    if (known === undefined || kind === undefined) return;
    const { id: containerId } = known;
    const node = this.#world.nodes.find((n) => n.id === known.supplier);
    if (node?.up !== true) return;
    if (kind === 'start') this.#command(node, { kind, containerId });
    else if (kind === 'stop')
      this.#command(node, { kind, containerId, signal: undefined, timeoutMs: this.#random.pick([undefined, 0, 1_000]) });
    else if (kind === 'kill') this.#command(node, { kind, containerId, signal: this.#random.pick(['SIGKILL', 'SIGHUP']) ?? 'SIGKILL' });
    else this.#world.command(node, { kind, containerId, force: this.#random.chance(0.7) }, (result) => this.#removed(known, result));
  }

  #ran(result: Result): void {
    if (!result.ok || result.kind !== 'placed') return;
    const { containerId, supplier } = result;
    this.#containers.push({ id: containerId, supplier });
    const node = this.#world.nodes.find((n) => n.id === supplier);
    if (this.#random.chance(0.9)) this.#world.schedule.after(2, () => this.#command(node, { kind: 'start', containerId }));
  }

  #removed(known: Known, result: Result): void {
    if (!result.ok && result.error.code !== 'no-such-container') return;
    const at = this.#containers.indexOf(known);
    if (at >= 0) this.#containers.splice(at, 1);
  }

  #command(node: SimNode | undefined, command: Command): void {
    if (node?.up === true) this.#world.command(node, command, () => undefined);
  }

  #pickNode(): SimNode | undefined {
    return this.#random.pick(this.#world.nodes.filter((node) => node.up && !node.paused));
  }
}
