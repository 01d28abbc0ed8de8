import type { ContainerHealth, HealthProbe } from '../port.ts';
import type { HealthCheck } from './health-check.ts';

/** As Docker keeps. */
const LOG_LENGTH = 5;

type State = 'waiting' | 'probing' | 'held';

/**
 * A container's health by Docker's rules, from its start on: first `starting`; healthy with the first success; unhealthy
 * after so many failures in a row, of which those do not count that began in the start period before any success. Knows
 * no clock: who runs it begins a check when the machine wants one, ends one that takes longer than its timeout, and brings
 * no result of one begun before `hold`.
 */
export class HealthMachine {
  readonly #check: HealthCheck;
  readonly #startedAtMs: number;
  #health: ContainerHealth = { status: 'starting', failingStreak: 0, log: [] };
  #state: State = 'waiting';

  /** @param startedAtMs of the container's task, wall clock */
  constructor(check: HealthCheck, startedAtMs: number) {
    this.#check = check;
    this.#startedAtMs = startedAtMs;
  }

  get health(): ContainerHealth {
    return this.#health;
  }

  /** From now to the next check; undefined: none is wanted, until another call. */
  get probeAfterMs(): number | undefined {
    return this.#state === 'waiting' ? this.#check.intervalMs : undefined;
  }

  probeBegins(): void {
    this.#state = 'probing';
  }

  /** Returns whether the status is another now. */
  probeEnded(probe: HealthProbe): boolean {
    const before = this.#health;
    this.#state = 'waiting';
    const log = [...before.log, probe].slice(-LOG_LENGTH);
    this.#health = { ...this.#judge(before, probe), log };
    return this.#health.status !== before.status;
  }

  /** The container is paused. */
  hold(): void {
    this.#state = 'held';
  }

  /** It is not any more: the next check comes after an interval. */
  resume(): void {
    if (this.#state === 'held') this.#state = 'waiting';
  }

  #judge({ status, failingStreak }: ContainerHealth, { exitCode, startedAtMs }: HealthProbe): Omit<ContainerHealth, 'log'> {
    if (exitCode === 0) return { status: 'healthy', failingStreak: 0 };
    if (status === 'starting' && startedAtMs - this.#startedAtMs < this.#check.startPeriodMs) return { status, failingStreak };
    const streak = failingStreak + 1;
    return { status: streak >= this.#check.retries ? 'unhealthy' : status, failingStreak: streak };
  }
}
