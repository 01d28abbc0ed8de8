import type { ContainerId } from '../../core/model/index.ts';
import { type EventMessage, NODE_LABEL } from '../../docker-api/types.ts';
import type { Backend } from '../backend.ts';
import { imageName, specOf } from '../containers/facts.ts';
import { API_LIMITS } from '../limits.ts';
import { factsOfEvent, factsOfHealth } from './core-facts.ts';
import type { Fact } from './fact.ts';

type Attributes = Readonly<Record<string, string>>;

/** What happens on this node as Docker's events: to whoever listens, and the newest for whoever asks what was. */
export class EventHub {
  readonly #backend: Backend;
  readonly #kept: EventMessage[] = [];
  readonly #listeners = new Set<(message: EventMessage) => void>();
  /** Image and labels of containers, which are gone when their removal is told. */
  readonly #known = new Map<ContainerId, Attributes>();
  #lastNano = 0n;

  constructor(backend: Backend) {
    this.#backend = backend;
    backend.subscribe((event) => {
      for (const fact of factsOfEvent(backend, event)) this.note(fact);
      if (event.kind === 'container-removed') this.#known.delete(event.containerId);
    });
    backend.onHealth((change) => {
      for (const fact of factsOfHealth(change)) this.note(fact);
    });
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  note(fact: Fact): void {
    const message = this.#messageOf(fact);
    this.#kept.push(message);
    if (this.#kept.length > API_LIMITS.eventsKept) this.#kept.shift();
    for (const listener of this.#listeners) listener(message);
  }

  /** From now on. Returns the way to stop listening. */
  subscribe(listener: (message: EventMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What is kept of the time from then on, in order. */
  since(wallMs: number): readonly EventMessage[] {
    return this.#kept.filter(({ timeNano }) => timeNano >= wallMs * 1e6);
  }

  #messageOf({ type, action, id, attributes = {} }: Fact): EventMessage {
    const node = this.#backend.self();
    const nano = this.#nextNano();
    const own = type === 'container' ? this.#attributesOf(id as ContainerId) : {};
    const isOld = type === 'container' || type === 'image';
    return {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: { ...own, [NODE_LABEL]: node.name, ...attributes } },
      scope: 'local',
      time: Number(nano / 1_000_000_000n),
      timeNano: Number(nano),
      ...(isOld ? { status: action, id } : {}),
      ...(type === 'container' ? { from: own['image'] ?? '' } : {}),
      node: { Id: node.id, Name: node.name, Ip: node.address.ip, Addr: `${node.address.ip}:${node.address.controlPort}` },
    };
  }

  /** Two of one node never have one time, so that their order can be told from it. A microsecond apart, as JSON's numbers are no finer. */
  #nextNano(): bigint {
    const now = BigInt(Math.floor(this.#backend.wallMs())) * 1_000_000n;
    this.#lastNano = now > this.#lastNano ? now : this.#lastNano + 1_000n;
    return this.#lastNano;
  }

  #attributesOf(id: ContainerId): Attributes {
    const container = this.#backend.container(id);
    if (container === undefined) return this.#known.get(id) ?? {};
    const spec = specOf(container);
    const attributes = { ...spec.labels, image: imageName(spec), name: container.name };
    this.#known.set(id, attributes);
    return attributes;
  }
}
