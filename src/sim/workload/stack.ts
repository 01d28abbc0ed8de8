import { MIB } from '../../core/model/index.ts';
import type { Affinity, Command, Group, NodeId, Request, RequestId, Result, Stack } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { World } from '../world.ts';
import { atDrawnMoments } from './drawn-moments.ts';
import { drawRequest } from './request.ts';

/** Users of stacks: they place several containers at once, in groups, near one another or apart, and look before they leap. */
export class StackUsers {
  readonly #world: World;
  readonly #random: Prng;

  constructor(world: World, random: Prng) {
    this.#world = world;
    this.#random = random;
  }

  schedule(fromMs: number, untilMs: number, everyMs: number): void {
    atDrawnMoments(this.#random, { fromMs, untilMs, everyMs }, (atMs) => this.#world.schedule.at(atMs, () => this.#act()));
  }

  #act(): void {
    const node = this.#random.pick(this.#world.nodes.filter(({ up, paused }) => up && !paused));
    if (node === undefined) return;
    const dice = this.#random.float();
    if (dice < 0.2) this.#command(node, { kind: 'plan', stack: this.#drawStack(), exclude: [] });
    else if (dice < 0.5) this.#runAlone(node);
    else this.#runStack(node);
  }

  #runAlone(node: SimNode): void {
    const request = this.#drawPart([]);
    this.#world.command(node, { kind: 'run', request, exclude: [] }, (result) => {
      if (result.ok && result.kind === 'placed') this.#use(request, result.supplier);
    });
  }

  #runStack(node: SimNode): void {
    const stack = this.#drawStack();
    this.#world.command(node, { kind: 'run-stack', stack, exclude: [] }, (result) => this.#placed(stack, result));
    if (this.#random.chance(0.15)) {
      this.#world.schedule.after(this.#random.float() ** 2 * 400, () => this.#command(node, { kind: 'cancel-run', requestId: stack.id }));
    }
  }

  #placed(stack: Stack, result: Result): void {
    if (!result.ok || result.kind !== 'stack-placed') return;
    for (const [i, { supplier }] of result.parts.entries()) {
      const request = stack.parts[i]?.request;
      if (request !== undefined) this.#use(request, supplier);
    }
  }

  /** Started, and after a while removed. */
  #use({ containerId }: Request, supplier: NodeId): void {
    const node = this.#world.nodes.find(({ id }) => id === supplier);
    if (this.#random.chance(0.9)) this.#world.schedule.after(2, () => this.#command(node, { kind: 'start', containerId }));
    this.#world.schedule.after(3_000 + this.#random.float() * 20_000, () =>
      this.#command(node, { kind: 'remove', containerId, force: true }),
    );
  }

  #drawStack(): Stack {
    const id = this.#random.hex(16) as RequestId;
    const names: Request[] = [];
    const parts = Array.from({ length: 1 + this.#random.int(6) }, () => {
      const request = this.#drawPart(names);
      names.push(request);
      return { request, group: this.#random.pick([undefined, 'pod', 'pod', 'other-pod', 'replicas', 'shards']) };
    });
    return { id, groups: GROUPS, parts };
  }

  #drawPart(before: readonly Request[]): Request {
    const octave = 2 ** this.#random.int(4);
    const resources = { cpuMillicores: 50 * octave, memoryBytes: 32 * octave * (1 + this.#random.int(2)) * MIB };
    const request = drawRequest(this.#random, resources);
    const role = this.#random.pick(['web', 'db', 'cache']) ?? 'web';
    const affinities = this.#random.chance(0.7) ? [] : Array.from({ length: 1 + this.#random.int(2) }, () => this.#drawAffinity(before));
    const constraints = request.constraints.map((constraint) => ({ ...constraint, soft: this.#random.chance(0.6) }));
    // Each part more makes it harder to please them all.
    const cpuClass = this.#random.chance(0.05) ? 'high' : 'low';
    const arches = this.#random.chance(0.8) ? [] : request.arches;
    return {
      ...request,
      class: cpuClass,
      arches,
      name: `${role}-${request.id.slice(0, 6)}`,
      labels: { role, ...request.labels },
      affinities,
      constraints,
    };
  }

  /** With, or not with, a kind of container, an image, a label, or a part of the same stack. */
  #drawAffinity(before: readonly Request[]): Affinity {
    const other = this.#random.pick(before);
    const [subject, key, value] =
      this.#random.pick([
        ['container', '', 'web-*'],
        ['container', '', other?.name ?? 'db-*'],
        ['container', '', other?.containerId.slice(0, 12) ?? 'cache-*'],
        ['image', '', 'nginx:1.27'],
        ['label', 'role', 'd*'],
        ['label', 'tier', 'front'],
      ] as const) ?? (['container', '', 'db-*'] as const);
    return { subject, key, value, operator: this.#random.chance(0.5) ? '==' : '!=', soft: this.#random.chance(0.3) };
  }

  #command(node: SimNode | undefined, command: Command): void {
    if (node?.up === true) this.#world.command(node, command, () => undefined);
  }
}

const GROUPS: readonly Group[] = [
  { name: 'pod', policy: 'co-location' },
  { name: 'other-pod', policy: 'co-location' },
  { name: 'replicas', policy: 'spread' },
  { name: 'shards', policy: 'spread' },
];
