/**
 * The sessions to other nodes: one per peer, opened when first needed, opened again when it broke
 * or when the peer is at another address now. Requests and messages share it; each has its bound.
 */
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { shortId } from '../../core/model/index.ts';
import type { Address, NodeId } from '../../core/model/index.ts';
import { PeerUnreachable } from '../port.ts';
import type { PeerRequest, PeerResponse } from '../port.ts';
import { exchange } from './exchange.ts';
import { CLIENT_KEEP_ALIVE, KeepAlive } from './keep-alive.ts';
import { MessageSlots } from './message-slots.ts';
import { MESSAGE_PATH, SESSION } from './settings.ts';

export type Dial = (address: Address, peer: NodeId) => Promise<ClientHttp2Session>;

interface Peer {
  readonly address: Address;
  session: Promise<ClientHttp2Session>;
  /** Once the session is there. */
  live: { readonly session: ClientHttp2Session; readonly keepAlive: KeepAlive } | undefined;
  /** Set when it is to be cut off, also while it is still being opened. */
  cut: boolean;
  /** Whether an answer came on it: one that never worked is not worth a second try. */
  proven: boolean;
  requests: number;
  readonly slots: MessageSlots;
  messageBytes: number;
}

/** Message bytes on their way to one peer, the waiting ones included. */
const MESSAGE_BYTES = 16 * 1024 * 1024;
/** Messages that wait for a stream to one peer: of as many runs as a node may work on, a few words each. */
const MESSAGES_WAITING = 4_096;
/** The wait included: a peer that is gone leaves no queue behind. */
const MESSAGE_TIMEOUT_MS = 10_000;
/** Node fires longer timers at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Peers {
  readonly #dial: Dial;
  readonly #addressOf: (id: NodeId) => Address | undefined;
  readonly #onRefused: (peer: NodeId, why: string) => void;
  readonly #peers = new Map<NodeId, Peer>();
  #closed = false;

  constructor(dial: Dial, addressOf: (id: NodeId) => Address | undefined, onRefused: (peer: NodeId, why: string) => void = () => {}) {
    this.#dial = dial;
    this.#addressOf = addressOf;
    this.#onRefused = onRefused;
  }

  /** @throws PeerUnreachable, or the reason of the request's signal. */
  async request(to: NodeId, request: PeerRequest): Promise<PeerResponse> {
    const { timeoutMs } = request;
    const controller = new AbortController();
    const late = (): void => controller.abort(new PeerUnreachable(to, `node ${shortId(to)} did not answer within ${timeoutMs} ms`));
    const timer = setTimeout(late, Math.min(timeoutMs, LONGEST_TIMER_MS));
    try {
      return await this.#attempt(to, request, controller.signal, true);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Delivers one message's bytes. @throws PeerUnreachable */
  async message(to: NodeId, bytes: Uint8Array): Promise<void> {
    const peer = this.#peer(to);
    const { slots } = peer;
    if (slots.full || peer.messageBytes + bytes.length > MESSAGE_BYTES) {
      throw new PeerUnreachable(to, `${slots.size} messages to node ${shortId(to)} are on their way already`);
    }
    const endMs = performance.now() + MESSAGE_TIMEOUT_MS;
    peer.messageBytes += bytes.length;
    await slots.enter();
    try {
      const timeoutMs = Math.ceil(endMs - performance.now());
      if (timeoutMs <= 0) throw new PeerUnreachable(to, `a message waited ${MESSAGE_TIMEOUT_MS} ms for its turn to node ${shortId(to)}`);
      const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const headers = { 'content-length': String(body.length) };
      const response = await this.request(to, { method: 'POST', path: MESSAGE_PATH, headers, body, timeoutMs });
      response.body.resume();
      if (response.status !== 204) throw new PeerUnreachable(to, `node ${shortId(to)} answered a message with ${response.status}`);
    } finally {
      slots.leave();
      peer.messageBytes -= bytes.length;
    }
  }

  /** Drops the session to a peer: it was revoked, say. */
  disconnect(id: NodeId): void {
    this.#forget(id, this.#peers.get(id), true);
  }

  close(): void {
    this.#closed = true;
    for (const [id, peer] of this.#peers) this.#forget(id, peer, true);
  }

  async #attempt(to: NodeId, request: PeerRequest, deadline: AbortSignal, mayRetry: boolean): Promise<PeerResponse> {
    const peer = this.#peer(to);
    const isMessage = request.path === MESSAGE_PATH;
    if (!isMessage && peer.requests >= SESSION.streams - SESSION.messageStreams) {
      throw new PeerUnreachable(to, `${peer.requests} requests to node ${shortId(to)} are open already`);
    }
    const reused = peer.proven;
    let session: ClientHttp2Session | undefined;
    try {
      session = await orAborted(peer.session, deadline, request.signal);
      const response = await exchange(session, to, request, deadline, (stream) => this.#count(peer, stream, isMessage));
      peer.proven = true;
      return response;
    } catch (error) {
      if (error instanceof PeerUnreachable && error.refused !== undefined) this.#onRefused(to, error.refused);
      if (session === undefined && !(request.signal?.aborted === true)) throw unsent(to, error as Error);
      if (deadline.aborted || request.signal?.aborted === true) throw error;
      // The session may have died unnoticed while it was idle. What changes nothing can be asked again.
      const died = session?.closed === true || session?.destroyed === true;
      const harmless = request.method === 'GET' || request.method === 'HEAD' || isMessage;
      if (mayRetry && reused && died && harmless && !this.#closed) {
        this.#forget(to, peer, false);
        return this.#attempt(to, request, deadline, false);
      }
      throw error instanceof PeerUnreachable
        ? error
        : new PeerUnreachable(to, `node ${shortId(to)} could not be asked: ${(error as Error).message}`);
    }
  }

  #peer(to: NodeId): Peer {
    if (this.#closed) throw new PeerUnreachable(to, 'this node is stopping', { isUnsent: true });
    const address = this.#addressOf(to);
    if (address === undefined) throw new PeerUnreachable(to, `the address of node ${shortId(to)} is not known`, { isUnsent: true });
    const known = this.#peers.get(to);
    if (known !== undefined && sameAddress(known.address, address) && !isClosing(known)) return known;
    // Requests under way at the former address may end; if it is dead, pings will tell.
    if (known !== undefined) this.#forget(to, known, false);
    return this.#open(to, address);
  }

  #open(to: NodeId, address: Address): Peer {
    const session = this.#dial(address, to);
    const slots = new MessageSlots(SESSION.messageStreams, MESSAGES_WAITING);
    const peer: Peer = { address, session, live: undefined, cut: false, proven: false, requests: 0, slots, messageBytes: 0 };
    this.#peers.set(to, peer);
    peer.session = this.#tend(to, peer, session);
    // Whoever waits for the session hears of its failure; nobody may wait.
    peer.session.catch(() => {});
    return peer;
  }

  async #tend(to: NodeId, peer: Peer, dialled: Promise<ClientHttp2Session>): Promise<ClientHttp2Session> {
    try {
      const session = await dialled;
      peer.live = { session, keepAlive: new KeepAlive(session, CLIENT_KEEP_ALIVE) };
      const gone = (): void => this.#forget(to, peer, false);
      session.once('close', gone);
      session.once('goaway', gone);
      if (peer.cut) session.destroy();
      return session;
    } catch (error) {
      this.#forget(to, peer, false);
      throw error;
    }
  }

  /** The next call opens a new session. `cut`: streams on the old one end now, else they may go on. */
  #forget(id: NodeId, peer: Peer | undefined, cut: boolean): void {
    if (peer === undefined) return;
    if (this.#peers.get(id) === peer) this.#peers.delete(id);
    peer.cut ||= cut;
    if (cut) peer.live?.session.destroy();
    else if (peer.live?.session.closed === false) peer.live.session.close();
  }

  #count(peer: Peer, stream: ClientHttp2Stream, isMessage: boolean): void {
    peer.live?.keepAlive.watch(stream);
    if (isMessage) return;
    peer.requests += 1;
    stream.once('close', () => {
      peer.requests -= 1;
    });
  }
}

function unsent(to: NodeId, { message }: Error): PeerUnreachable {
  return new PeerUnreachable(to, message.includes(shortId(to)) ? message : `node ${shortId(to)} could not be asked: ${message}`, {
    isUnsent: true,
  });
}

/** Its 'close' may come only in a later round. */
const isClosing = (peer: Peer): boolean => peer.live !== undefined && (peer.live.session.closed || peer.live.session.destroyed);

function sameAddress(a: Address, b: Address): boolean {
  return a.ip === b.ip && a.controlPort === b.controlPort;
}

/** The promise's outcome, unless a signal comes first. */
function orAborted<T>(promise: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  const given = signals.filter((signal) => signal !== undefined);
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(given.find((signal) => signal.aborted)?.reason);
    if (given.some((signal) => signal.aborted)) return abort();
    for (const signal of given) signal.addEventListener('abort', abort, { once: true });
    const settle = (): void => given.forEach((signal) => signal.removeEventListener('abort', abort));
    promise.then(resolve, reject).finally(settle);
  });
}
