import type { Command, ContainerId, NodeId, Request, Result } from '../../core/model/index.ts';
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

  /** Users were waiting for a node: it is asked for things from its first moments on. */
  askAtOnce(node: SimNode): void {
    const count = this.#random.int(4);
    for (let i = 0; i < count; i++) {
      this.#world.schedule.after(this.#random.float() ** 2 * 300, () => {
        const own = this.#random.pick(this.#containers.filter(({ supplier }) => supplier === node.id));
        if (this.#random.chance(0.5) || own === undefined) this.#run(node);
        else this.#touch(this.#random.pick(['start', 'stop', 'kill', 'remove'] as const), own);
      });
    }
  }

  /** A user at a node wants a container, and may think better of it while it is being placed. */
  #run(node: SimNode | undefined): void {
    if (node?.up !== true) return;
    const request = this.#named(drawRequest(this.#random));
    const { id: requestId, containerId } = request;
    const exclude = this.#random.chance(0.05) ? this.#world.nodes.slice(0, 2).map(({ id }) => id) : [];
    this.#world.command(node, { kind: 'run', request, exclude }, (result) => this.#ran(result));
    const dice = this.#random.float();
    const afterMs = this.#random.float() * 200;
    if (dice < 0.05) this.#world.schedule.after(afterMs, () => this.#command(node, { kind: 'cancel-run', requestId }));
    else if (dice < 0.1) this.#world.schedule.after(afterMs, () => this.#removeWhereItIs(containerId));
  }

  #removeWhereItIs(containerId: ContainerId): void {
    const owner = this.#world.nodes.find(({ store }) => store.get(containerId) !== undefined);
    this.#command(owner, { kind: 'remove', containerId, force: true });
  }

  /** Some names are wanted by many. */
  #named(request: Request): Request {
    return this.#random.chance(0.15) ? { ...request, name: `wanted-${this.#random.int(12)}` } : request;
  }

  #act(options: WorkloadOptions): void {
    const crowded = this.#containers.length > options.crowd * this.#world.nodes.length;
    const dice = this.#random.float();
    if (dice < (crowded ? 0.3 : 0.6)) return this.#run(this.#pickNode());
    const kind = dice < (crowded ? 0.6 : 0.75) ? 'remove' : this.#random.pick(['start', 'stop', 'kill'] as const);
    this.#touch(kind, this.#random.pick(this.#containers));
  }

  #touch(kind: 'start' | 'stop' | 'kill' | 'remove' | undefined, known: Known | undefined): void {
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
