import { MIB } from '../../core/model/index.ts';
import type { Command, Container, Request, Resources } from '../../core/model/index.ts';
import type { Prng } from '../../lib/prng.ts';
import type { SimNode } from '../host/sim-node.ts';
import type { World } from '../world.ts';
import { atDrawnMoments } from './drawn-moments.ts';

/** Users who change what exists: they pause and unpause containers, rename them, and give them other limits and restart policies. */
export class ChangeUsers {
  readonly #world: World;
  readonly #random: Prng;

  constructor(world: World, random: Prng) {
    this.#world = world;
    this.#random = random;
  }

  schedule(fromMs: number, untilMs: number, everyMs: number): void {
    atDrawnMoments(this.#random, { fromMs, untilMs, everyMs }, (atMs) => this.#world.schedule.at(atMs, () => this.#act()));
  }

  /** Some act twice at once. */
  #act(): void {
    const node = this.#random.pick(this.#world.nodes.filter(({ up, paused }) => up && !paused));
    const container = this.#random.pick(node?.core?.containers() ?? []);
    if (node === undefined || container === undefined) return;
    for (let i = this.#random.chance(0.1) ? 2 : 1; i > 0; i--) {
      const command = this.#drawCommand(container);
      this.#world.command(node, command, () => undefined);
      if (command.kind === 'pause') this.#unpauseLater(node, container);
    }
  }

  #drawCommand(container: Container): Command {
    const { containerId } = container.request;
    const dice = this.#random.float();
    if (dice < 0.25) return { kind: 'pause', containerId };
    if (dice < 0.35) return { kind: 'unpause', containerId };
    if (dice < 0.65) return { kind: 'rename', containerId, name: this.#drawName(container) };
    return { kind: 'update', containerId, ...this.#drawUpdate(container.request) };
  }

  /** Most remember that they have paused it. */
  #unpauseLater(node: SimNode, { request: { containerId } }: Container): void {
    if (this.#random.chance(0.2)) return;
    this.#world.schedule.after(this.#random.float() * 8_000, () => {
      if (node.up) this.#world.command(node, { kind: 'unpause', containerId }, () => undefined);
    });
  }

  /** Wanted by many, a new one, its first one again, or that which it has. */
  #drawName({ name, request }: Container): string {
    const dice = this.#random.float();
    if (dice < 0.5) return `wanted-${this.#random.int(12)}`;
    if (dice < 0.8) return `called-${this.#random.hex(3)}`;
    return dice < 0.95 ? request.name : name;
  }

  #drawUpdate({ resources: before, restart, spec }: Request): Pick<Request, 'resources' | 'restart' | 'spec'> {
    const policy = this.#random.chance(0.7)
      ? restart
      : { name: this.#random.pick(['no', 'always', 'on-failure'] as const) ?? 'no', maximumRetries: this.#random.int(3) };
    if (this.#random.chance(0.15)) return { resources: before, restart: policy, spec };
    const factor = (): number => 2 ** (this.#random.int(5) - 2);
    const resources: Resources = {
      cpuMillicores: Math.max(10, Math.round(before.cpuMillicores * factor())),
      memoryBytes: Math.max(4 * MIB, Math.round((before.memoryBytes / MIB) * factor()) * MIB),
    };
    return { resources, restart: policy, spec: JSON.stringify({ ...(JSON.parse(spec) as object), limits: resources }) };
  }
}
