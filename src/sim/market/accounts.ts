import type { ContainerId, CpuClass, Event, RequestId, Resources } from '../../core/model/index.ts';
import { fits } from '../../core/model/index.ts';
import { classRank } from '../../core/model/filter.ts';
import { assert } from '../../lib/assert.ts';
import type { NodeShape } from '../workloads/contender.ts';

interface Entry {
  readonly node: number;
  readonly resources: Resources;
  launched: boolean;
}

/** The market's own books, kept by what suppliers say they did: nobody may ever hold more than it has. */
export class Accounts {
  readonly #shapes: readonly NodeShape[];
  readonly #cpu: Float64Array;
  readonly #memory: Float64Array;
  readonly #up: Uint8Array;
  readonly #entries = new Map<RequestId, Entry>();

  constructor(shapes: readonly NodeShape[]) {
    this.#shapes = shapes;
    this.#cpu = Float64Array.from(shapes, ({ capacity }) => capacity.cpuMillicores);
    this.#memory = Float64Array.from(shapes, ({ capacity }) => capacity.memoryBytes);
    this.#up = new Uint8Array(shapes.length).fill(1);
  }

  /** Holds that were never launched nor given back. */
  get holds(): number {
    let holds = 0;
    for (const { launched } of this.#entries.values()) if (!launched) holds++;
    return holds;
  }

  /** @param requestOf whose container it is */
  onEvent(node: number, event: Event, requestOf: (id: ContainerId) => RequestId | undefined): void {
    if (event.kind === 'hold-made') this.#admit(node, event.requestId, event.resources);
    else if (event.kind === 'hold-released' && event.why !== 'launched') this.#release(event.requestId, node);
    else if (event.kind === 'hold-released') this.#entry(event.requestId, node).launched = true;
    else if (event.kind === 'container-removed' || event.kind === 'room-given-back') {
      const id = requestOf(event.containerId);
      if (id !== undefined) this.#release(id, node);
    }
  }

  /** All that ran there is gone. */
  fail(node: number): void {
    this.#up[node] = 0;
    for (const [id, entry] of this.#entries) if (entry.node === node) this.#entries.delete(id);
    const { capacity } = this.#shape(node);
    this.#cpu[node] = capacity.cpuMillicores;
    this.#memory[node] = capacity.memoryBytes;
  }

  join(node: number): void {
    this.#up[node] = 1;
  }

  used(): Resources {
    let cpuMillicores = 0;
    let memoryBytes = 0;
    for (const { resources } of this.#entries.values()) {
      cpuMillicores += resources.cpuMillicores;
      memoryBytes += resources.memoryBytes;
    }
    return { cpuMillicores, memoryBytes };
  }

  capacity(): Resources {
    let cpuMillicores = 0;
    let memoryBytes = 0;
    for (const [i, { capacity }] of this.#shapes.entries()) {
      if (this.#up[i] === 0) continue;
      cpuMillicores += capacity.cpuMillicores;
      memoryBytes += capacity.memoryBytes;
    }
    return { cpuMillicores, memoryBytes };
  }

  fitsSomewhere(wanted: Resources, cpuClass: CpuClass): boolean {
    return this.#shapes.some(
      (shape, i) => this.#up[i] === 1 && classRank(shape.class) >= classRank(cpuClass) && fits(wanted, this.#free(i)),
    );
  }

  #admit(node: number, id: RequestId, resources: Resources): void {
    const free = this.#free(node);
    assert(fits(resources, free), `node ${node} is oversold: holds ${JSON.stringify(resources)} with ${JSON.stringify(free)} free`);
    // A newer attempt's hold, or a second one where the first node's word was lost; the older ends by its timer.
    const key = this.#entries.has(id) ? (`${id} on ${node}` as RequestId) : id;
    this.#entries.set(key, { node, resources, launched: false });
    this.#move(node, resources, -1);
  }

  #release(id: RequestId, node: number): void {
    const key = this.#keyOf(id, node);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#move(node, entry.resources, 1);
  }

  #entry(id: RequestId, node: number): Entry {
    const entry = this.#entries.get(this.#keyOf(id, node));
    assert(entry !== undefined, `node ${node} launches request ${id}, which it holds nothing for`);
    return entry;
  }

  #keyOf(id: RequestId, node: number): RequestId {
    return this.#entries.get(id)?.node === node ? id : (`${id} on ${node}` as RequestId);
  }

  #move(node: number, { cpuMillicores, memoryBytes }: Resources, sign: 1 | -1): void {
    this.#cpu[node] = (this.#cpu[node] as number) + sign * cpuMillicores;
    this.#memory[node] = (this.#memory[node] as number) + sign * memoryBytes;
  }

  #free(node: number): Resources {
    return { cpuMillicores: this.#cpu[node] as number, memoryBytes: this.#memory[node] as number };
  }

  #shape(node: number): NodeShape {
    return this.#shapes[node] as NodeShape;
  }
}
