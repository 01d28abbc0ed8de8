import { randomBytes } from 'node:crypto';
import type { AgreementService } from '../api/agreement-service.ts';
import type { Backend, HostFacts, InstanceFacts, Tokens } from '../api/backend.ts';
import type { NetworkService } from '../api/network-service.ts';
import type { VolumeService } from '../api/volume-service.ts';
import type { ContainerId, Event, NodeId } from '../core/model/index.ts';
import type { CoreNode } from '../core/node/port.ts';
import type { Engine } from '../engine/port.ts';
import type { Transport } from '../transport/port.ts';
import type { CoreLoop } from './core-loop.ts';
import type { NodeImageExchange } from './image-exchange.ts';
import type { Log } from './log.ts';

/** Listeners of one daemon: waits, followed events. The next one is refused. */
const LISTENERS = 4_096;

export interface BackendParts {
  readonly version: string;
  readonly instance: InstanceFacts;
  readonly host: HostFacts;
  readonly node: CoreNode;
  readonly loop: CoreLoop;
  readonly engine: Engine;
  readonly transport: Transport;
  readonly exchange: NodeImageExchange;
  readonly volumes: VolumeService;
  readonly tokens: Tokens;
  readonly networks: NetworkService;
  readonly agreement: AgreementService;
  /** Whether a node was removed from the instance: for users it is not there. */
  isRemoved(id: NodeId): boolean;
  readonly log: Log;
  leave(options: { readonly force: boolean }): Promise<void>;
}

/** What the API sees of the daemon: each question goes to the part that knows. */
export interface DaemonBackend extends Backend {
  /** An event of the core, for whoever listens. */
  tell(event: Event): void;
}

export function createBackend(parts: BackendParts): DaemonBackend {
  const { node, loop, engine, transport, exchange } = parts;
  const listeners = new Set<(event: Event) => void>();
  return {
    version: parts.version,
    instance: () => parts.instance,
    host: () => parts.host,
    self: () => node.self(),
    members: () => node.members().filter((member) => !parts.isRemoved(member.id)),
    resources: () => node.resources(),
    containers: () => node.containers(),
    container: (id: ContainerId) => node.container(id),
    details: (id) => engine.details(id),
    logs: (id, options) => engine.logs(id, options),
    attach: (id, options) => engine.attach(id, options),
    resize: (id, size) => engine.resize(id, size),
    access: engine,
    onHealth: (listener) => engine.onHealth(listener),
    volumes: parts.volumes,
    command: (command) => exchange.during(command, () => loop.command(command)),
    subscribe(listener) {
      if (listeners.size >= LISTENERS) throw new Error(`${LISTENERS} clients wait for events on this node already: try again later`);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    images: engine.images,
    exchange,
    request: (peer, request) => transport.request(peer, request),
    tokens: parts.tokens,
    networks: parts.networks,
    agreement: parts.agreement,
    offers: () => node.offers(),
    hints: () => node.hints(),
    leave: (options) => parts.leave(options),
    async describe(change) {
      await loop.command({ kind: 'describe', change });
    },
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    wallMs: () => Date.now(),
    log: parts.log,
    tell(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          // One listener's trouble with an event is neither the others' nor the core's.
          parts.log('warn', 'an event could not be told', { kind: event.kind, error: String(error) });
        }
      }
    },
  };
}
