import type { NetworkId } from '../model/index.ts';
import type { KeptLeases, LeaseTimer, LeaseToken, LeaseTurn } from './port.ts';

/** What the parts of the machine that concern one network ask of the whole. */
export interface LeasesHost {
  /** The answer under it is brought to this network. */
  nextToken(network: NetworkId): LeaseToken;
  /** All that must outlive a restart, of all networks. */
  kept(): KeptLeases;
  /** Given-back addresses are written down soon. */
  keepSoon(turn: LeaseTurn): void;
}

/** The timers of one network: of each name the one set last counts. */
export class NetworkTimers {
  readonly #network: NetworkId;
  readonly #current = new Map<LeaseTimer['name'], number>();
  #token = 0;

  constructor(network: NetworkId) {
    this.#network = network;
  }

  isSet(name: LeaseTimer['name']): boolean {
    return this.#current.has(name);
  }

  set(turn: LeaseTurn, name: LeaseTimer['name'], afterMs: number): void {
    const token = ++this.#token;
    this.#current.set(name, token);
    turn.setTimer({ name, network: this.#network, token }, afterMs);
  }

  drop(name: LeaseTimer['name']): void {
    this.#current.delete(name);
  }

  /** Whether it is the one that counts; it is over then. */
  take({ name, token }: LeaseTimer): boolean {
    if (this.#current.get(name) !== token) return false;
    this.#current.delete(name);
    return true;
  }
}
