/**
 * Notices that the other end of a session is gone when no FIN or RST comes (power cut, cable), by
 * HTTP/2 pings (RFC 9113 §6.7) while streams are open. An idle session is not pinged: nobody waits
 * on it, and after a while it is closed.
 *
 * A tick that comes late means that this process was busy, and answers may wait unread in the
 * kernel: it does not count against the peer.
 */
import type { ClientHttp2Session, Http2Stream, ServerHttp2Session } from 'node:http2';

export interface KeepAliveProfile {
  readonly everyMs: number;
  /** Ticks without an answer to the ping after which the session is destroyed. */
  readonly misses: number;
  /** A session without streams for so long is closed. */
  readonly idleMs: number;
}

/** A client finds out within everyMs × (misses + 1) = 3 s. */
export const CLIENT_KEEP_ALIVE: KeepAliveProfile = { everyMs: 750, misses: 3, idleMs: 60_000 };
/** The client has noticed long before; this frees what the server still holds for it. */
export const SERVER_KEEP_ALIVE: KeepAliveProfile = { everyMs: 5_000, misses: 3, idleMs: 180_000 };

export class KeepAlive {
  readonly #session: ClientHttp2Session | ServerHttp2Session;
  readonly #profile: KeepAliveProfile;
  #streams = 0;
  #unanswered = 0;
  #waiting = false;
  #lastTickMs = 0;
  #ticker: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(session: ClientHttp2Session | ServerHttp2Session, profile: KeepAliveProfile) {
    this.#session = session;
    this.#profile = profile;
    session.once('close', () => this.#stop());
    this.#rest();
  }

  /** Counts a stream until it closes. */
  watch(stream: Http2Stream): void {
    this.#streams += 1;
    if (this.#streams === 1) this.#work();
    stream.once('close', () => {
      this.#streams -= 1;
      if (this.#streams === 0 && !this.#session.destroyed) this.#rest();
    });
  }

  #work(): void {
    this.#stop();
    this.#unanswered = 0;
    this.#lastTickMs = performance.now();
    this.#ping();
    this.#ticker = setInterval(() => this.#tick(), this.#profile.everyMs);
  }

  #rest(): void {
    this.#stop();
    this.#idle = setTimeout(() => this.#session.close(), this.#profile.idleMs).unref();
  }

  #stop(): void {
    clearInterval(this.#ticker);
    clearTimeout(this.#idle);
  }

  #tick(): void {
    const now = performance.now();
    const late = now - this.#lastTickMs > 2 * this.#profile.everyMs;
    this.#lastTickMs = now;
    if (!this.#waiting) this.#ping();
    else if (!late) this.#unanswered += 1;
    if (this.#unanswered >= this.#profile.misses) {
      const silentMs = this.#profile.everyMs * this.#profile.misses;
      this.#session.destroy(new Error(`no answer to a ping for ${silentMs} ms`));
    }
  }

  #ping(): void {
    if (this.#session.destroyed || this.#session.closed) return;
    this.#waiting = this.#session.ping(() => {
      this.#waiting = false;
      this.#unanswered = 0;
    });
  }
}
