/**
 * The transport between nodes: sealed datagrams and one HTTP/2 session per peer, behind the port.
 * Messages go as a datagram where they are short and their kind allows, else as a POST.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { shortId, STREAM_KINDS } from '../core/model/index.ts';
import type { InstanceId, Message, NodeId } from '../core/model/index.ts';
import { decode, encode } from '../core/wire/index.ts';
import { loadCredentials } from './control/credentials.ts';
import type { Credentials } from './control/credentials.ts';
import { dial } from './control/dial.ts';
import { Peers } from './control/peers.ts';
import { MessageReceiver } from './control/receive-message.ts';
import { openControlServer } from './control/server.ts';
import { MESSAGE_PATH } from './control/settings.ts';
import { Opener } from './datagram/opener.ts';
import { PAYLOAD_BYTES, readHeader } from './datagram/packet.ts';
import { Sealer } from './datagram/sealer.ts';
import { openDatagramSocket } from './datagram/socket.ts';
import { JoinDesk } from './join/desk.ts';
import type { JoinHost } from './join/desk.ts';
import { FORWARD_PATH, JOIN_PATH } from './join/messages.ts';
import type { Transport, TransportHost } from './port.ts';
import { Rejections } from './rejections.ts';
import { startError } from './start-error.ts';
import type { GossipKeys } from './trust/gossip-keys.ts';

export interface NodeTransportOptions {
  readonly nodeId: NodeId;
  readonly instanceId: InstanceId;
  readonly credentials: Credentials;
  readonly gossipKeys: GossipKeys;
  /** Where both ports are opened: an address of this host, or 0.0.0.0. */
  readonly bindIp: string;
  /** 0: any free one. */
  readonly controlPort: number;
  readonly gossipPort: number;
  /** Whether a node was removed from the instance: nothing is taken from it. */
  readonly isRevoked?: (id: NodeId) => boolean;
}

export type PeerRequestHandler = (peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse) => void;

export interface NodeTransport extends Transport {
  /** The ports that were opened. */
  readonly controlPort: number;
  readonly gossipPort: number;
  /** Serves what authenticated peers ask for, all but the transport's own paths. Until then they get 503. */
  onPeerRequest(handler: PeerRequestHandler): void;
  /** Serves joins. Until then joiners are told to come again. */
  onJoin(host: JoinHost): void;
  updateKeys(keys: GossipKeys): void;
  /** Ends every session with a node, either way: it was revoked. */
  disconnect(id: NodeId): void;
}

/** @throws TransportStartError */
export async function createTransport(options: NodeTransportOptions, host: TransportHost): Promise<NodeTransport> {
  const { nodeId, bindIp } = options;
  const isRevoked = options.isRevoked ?? ((): boolean => false);
  const credentials = loadCredentials(options.credentials);
  const peers = new Peers(
    (address, peer) => dial(address, peer, credentials),
    (id) => (isRevoked(id) ? undefined : host.addressOf(id)),
    (id, why) => host.onRefused?.(id, why),
  );
  const sealer = new Sealer(options.instanceId, nodeId, options.gossipKeys);
  const opener = new Opener(options.instanceId, nodeId, options.gossipKeys);
  const rejections = new Rejections(host.log.bind(host));
  const receiver = new MessageReceiver();
  const joins = new JoinDesk((to, request) => peers.request(to, request));
  let handler: PeerRequestHandler = (_peer, _request, response) => unavailable(response);
  let closed: Promise<void> | undefined;
  const counters = { datagramsSent: 0, datagramBytesSent: 0, datagramsReceived: 0 };

  const control = await openControlServer({
    ip: bindIp,
    port: options.controlPort,
    credentials,
    openPath: JOIN_PATH,
    isRevoked,
    onStranger: (request, response) => void joins.serve(request, response, 'here-or-forward'),
    onPeer(peer, request, response) {
      if (request.url === MESSAGE_PATH) void receiver.receive(request, response, (bytes) => deliver(peer, bytes));
      else if (request.url === FORWARD_PATH) void joins.serve(request, response, 'here-only');
      else handle(peer, request, response);
    },
  }).catch((error: unknown) => {
    throw startError(error as NodeJS.ErrnoException, 'tcp', bindIp, options.controlPort);
  });

  const socket = await openDatagramSocket(bindIp, options.gossipPort, receivePacket).catch(async (error: unknown) => {
    await control.close();
    throw startError(error as NodeJS.ErrnoException, 'udp', bindIp, options.gossipPort);
  });

  function receivePacket(packet: Buffer): void {
    const opened = opener.open(packet);
    if (!opened.ok) {
      if (opened.why === 'key' || opened.why === 'forged') host.onUnopened?.(readHeader(packet).sender);
      return rejections.add(opened.why);
    }
    if (isRevoked(opened.sender)) return rejections.add('revoked');
    if (!deliver(opened.sender, opened.payload)) return rejections.add('message');
    counters.datagramsReceived += 1;
  }

  /** False when the bytes are no message of ours. */
  function deliver(from: NodeId, bytes: Uint8Array): boolean {
    let message: Message;
    try {
      message = decode(bytes);
    } catch (error) {
      host.log('debug', 'not a message', { from: shortId(from), error: (error as Error).message });
      return false;
    }
    host.onMessage(from, message);
    return true;
  }

  function handle(peer: NodeId, request: Http2ServerRequest, response: Http2ServerResponse): void {
    try {
      handler(peer, request, response);
    } catch (error) {
      host.log('error', 'a request of a peer failed', { peer: shortId(peer), path: request.url, error: String(error) });
      response.stream.destroy();
    }
  }

  function sendDatagram(to: NodeId, bytes: Uint8Array): void {
    const address = isRevoked(to) ? undefined : host.addressOf(to);
    if (address === undefined) return host.log('debug', 'message dropped: no address', { to: shortId(to) });
    const packet = sealer.seal(bytes);
    if (!socket.send(packet, address.ip, address.gossipPort))
      return host.log('debug', 'message dropped: too many wait', { to: shortId(to) });
    counters.datagramsSent += 1;
    counters.datagramBytesSent += packet.length;
  }

  function sendByStream(to: NodeId, message: Message, bytes: Uint8Array): void {
    peers.message(to, bytes).catch((error: unknown) => {
      host.log('debug', 'message not delivered', { to: shortId(to), kind: message.kind, error: (error as Error).message });
    });
  }

  async function closeBoth(): Promise<void> {
    await Promise.all([control.close(), socket.close()]);
  }

  return {
    controlPort: control.port,
    gossipPort: socket.port,
    send(to, message) {
      try {
        const bytes = encode(message);
        if (to === nodeId) setImmediate(() => deliver(nodeId, bytes));
        else if (STREAM_KINDS.has(message.kind) || bytes.length > PAYLOAD_BYTES) sendByStream(to, message, bytes);
        else sendDatagram(to, bytes);
      } catch (error) {
        host.log('warn', 'message not sent', { to: shortId(to), kind: message.kind, error: (error as Error).message });
      }
    },
    request: (to, request) => peers.request(to, request),
    counters: () => ({ ...counters, datagramsRejected: rejections.total }),
    onPeerRequest(next) {
      handler = next;
    },
    onJoin: (next) => joins.open(next),
    updateKeys(keys) {
      opener.updateKeys(keys);
      sealer.updateKeys(keys);
    },
    disconnect(id) {
      peers.disconnect(id);
      control.disconnect(id);
    },
    close() {
      peers.close();
      closed ??= closeBoth();
      return closed;
    },
  };
}

function unavailable(response: Http2ServerResponse): void {
  response.writeHead(503, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ message: 'the daemon of this node is still starting: try again in a moment' }));
}
