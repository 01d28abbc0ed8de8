/**
 * An underlay in memory: several nodes in one process, reached at addresses like the real ones.
 * Messages pass through the core's encoding; requests run over real HTTP/2 on a pair of streams,
 * so that bodies, back-pressure and aborts behave as between hosts. There is no TLS: the underlay
 * itself vouches for who is who.
 */
import { connect, createServer } from 'node:http2';
import type { ClientHttp2Session, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import type { Address, Message, NodeId } from '../../core/model/index.ts';
import { decode, encode } from '../../core/wire/index.ts';
import { Peers } from '../control/peers.ts';
import { markEnds } from '../control/whole-body.ts';
import type { Transport, TransportHost } from '../port.ts';

export interface FakeTransport extends Transport {
  onPeerRequest(handler: FakeRequestHandler): void;
}

type FakeRequestHandler = (peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse) => void;

interface Node {
  readonly id: NodeId;
  readonly address: Address;
  readonly host: TransportHost;
  readonly wires: Set<Duplex>;
  received: number;
  serve: FakeRequestHandler;
}

export class FakeUnderlay {
  readonly #nodes = new Map<string, Node>();
  readonly #cuts = new Set<string>();

  /** A node at an address; closing its transport takes it away. @throws Error when the address is taken. */
  attach(id: NodeId, address: Address, host: TransportHost): FakeTransport {
    const at = keyOf(address);
    if (this.#nodes.has(at)) throw new Error(`another node of this underlay has ${at}`);
    const node: Node = {
      id,
      address,
      host,
      wires: new Set(),
      received: 0,
      serve: (_peer, _request, response) => response.writeHead(503).end(),
    };
    this.#nodes.set(at, node);
    const peers = new Peers(
      async (to, peer) => this.#dial(node, to, peer),
      (peer) => host.addressOf(peer),
    );
    const counters = { datagramsSent: 0, datagramBytesSent: 0 };
    return {
      send: (to, message) => {
        const bytes = encode(message);
        counters.datagramsSent += 1;
        counters.datagramBytesSent += bytes.length;
        setImmediate(() => this.#deliver(node, to, decode(bytes)));
      },
      request: (to, request) => peers.request(to, request),
      counters: () => ({ ...counters, datagramsReceived: node.received, datagramsRejected: 0 }),
      onPeerRequest(next) {
        node.serve = next;
      },
      close: async () => {
        this.#nodes.delete(at);
        peers.close();
        for (const wire of node.wires) wire.destroy();
      },
    };
  }

  /** Nothing passes between two nodes any more, and what was open breaks. */
  cut(a: NodeId, b: NodeId): void {
    this.#cuts.add(pairOf(a, b));
    for (const node of this.#nodes.values()) {
      if (node.id !== a && node.id !== b) continue;
      for (const wire of node.wires) if ([a, b].includes((wire as PeerWire).peer)) wire.destroy();
    }
  }

  heal(a: NodeId, b: NodeId): void {
    this.#cuts.delete(pairOf(a, b));
  }

  #deliver(from: Node, to: NodeId, message: Message): void {
    const address = to === from.id ? from.address : from.host.addressOf(to);
    const node = address === undefined ? undefined : this.#nodes.get(keyOf(address));
    // As with datagrams, whoever is at the address gets it.
    if (node === undefined || this.#cuts.has(pairOf(from.id, node.id))) return;
    node.received += 1;
    node.host.onMessage(from.id, message);
  }

  #dial(from: Node, address: Address, expected: NodeId): ClientHttp2Session {
    const node = this.#nodes.get(keyOf(address));
    if (node === undefined || this.#cuts.has(pairOf(from.id, node.id))) throw new Error(`${keyOf(address)}: nobody answers`);
    if (node.id !== expected) throw new Error(`${keyOf(address)}: node ${node.id} answered, not ${expected}`);
    const [near, far] = duplexPair();
    track(from, near, node.id);
    track(node, far, from.id);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
    // A server per connection, so that its requests are known to be this peer's.
    const server = createServer((request, response) => {
      markEnds(request, response);
      node.serve(from.id, request, response);
    });
    server.emit('connection', far);
    const session = connect('http://fake', { createConnection: () => near });
    session.on('error', () => {});
    return session;
  }
}

type PeerWire = Duplex & { peer: NodeId };

function track(node: Node, wire: Duplex, peer: NodeId): void {
  (wire as PeerWire).peer = peer;
  node.wires.add(wire);
  wire.on('error', () => {});
  wire.once('close', () => node.wires.delete(wire));
}

const keyOf = (address: Address): string => `${address.ip}:${address.controlPort}`;
const pairOf = (a: NodeId, b: NodeId): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
