import type { Timer, Turn } from '../model/index.ts';

export type TimerName = 'probe' | 'probe-timeout' | 'relay' | 'suspicion' | 'gossip' | 'sync' | 'dead-probe';

/** Which timers of this machine are current. A timer that was armed again, disarmed or taken is stale and ignored. */
export class Timers {
  #lastToken = 0;
  readonly #current = new Map<string, { readonly name: TimerName; readonly token: number }>();

  /** Sets a timer; an earlier one of the same name and key becomes stale. */
  arm(turn: Turn, name: TimerName, key: string, afterMs: number): void {
    const token = ++this.#lastToken;
    this.#current.set(slot(name, key), { name, token });
    turn.setTimer({ machine: 'membership', name, key, token }, afterMs);
  }

  disarm(name: TimerName, key: string): void {
    this.#current.delete(slot(name, key));
  }

  /** The same for one that is disarmed so often that waking up for it in vain would cost. */
  drop(turn: Turn, name: TimerName, key: string): void {
    const current = this.#current.get(slot(name, key));
    if (current === undefined) return;
    this.disarm(name, key);
    turn.dropTimer?.({ machine: 'membership', name, key, token: current.token });
  }

  isArmed(name: TimerName, key: string): boolean {
    return this.#current.has(slot(name, key));
  }

  /** The name of a timer that fired, once; undefined where it is stale. */
  take(timer: Timer): TimerName | undefined {
    const at = slot(timer.name, timer.key);
    const current = this.#current.get(at);
    if (current === undefined || current.token !== timer.token) return undefined;
    this.#current.delete(at);
    return current.name;
  }
}

const slot = (name: string, key: string): string => `${name}/${key}`;
