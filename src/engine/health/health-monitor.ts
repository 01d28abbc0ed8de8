import type { ContainerId } from '../../core/model/index.ts';
import type { ContainerHealth, HealthChange } from '../port.ts';
import type { HealthCheck } from './health-check.ts';
import { HealthMachine } from './health-machine.ts';
import { type ProbeRunner, runProbe } from './run-probe.ts';

interface Watched {
  readonly machine: HealthMachine;
  readonly check: HealthCheck;
  timer: NodeJS.Timeout | undefined;
  /** Of the check under way: whose turn is over brings no result. */
  turn: object;
}

/** Looks at the health of containers that run, each by its own check. Keeps the last word on one that has ended. */
export class HealthMonitor {
  readonly #runner: ProbeRunner;
  readonly #told: (change: HealthChange) => void;
  readonly #watched = new Map<ContainerId, Watched>();

  /** @param told of every other status, `starting` included */
  constructor(runner: ProbeRunner, told: (change: HealthChange) => void) {
    this.#runner = runner;
    this.#told = told;
  }

  /** A task runs. Without a check there is nothing to look at. */
  begin(id: ContainerId, check: HealthCheck | undefined, startedAtMs: number, paused: boolean): void {
    this.forget(id);
    if (check === undefined) return;
    const watched: Watched = { machine: new HealthMachine(check, startedAtMs), check, timer: undefined, turn: {} };
    this.#watched.set(id, watched);
    if (paused) watched.machine.hold();
    this.#told({ containerId: id, status: 'starting' });
    this.#see(id, watched);
  }

  /** Its task is paused. */
  hold(id: ContainerId): void {
    this.#change(id, (machine) => machine.hold());
  }

  resume(id: ContainerId): void {
    this.#change(id, (machine) => machine.resume());
  }

  /** Its task has ended. */
  end(id: ContainerId): void {
    this.hold(id);
  }

  forget(id: ContainerId): void {
    this.end(id);
    this.#watched.delete(id);
  }

  of(id: ContainerId): ContainerHealth | undefined {
    return this.#watched.get(id)?.machine.health;
  }

  /** Looks at nothing any more. */
  close(): void {
    for (const id of this.#watched.keys()) this.end(id);
  }

  #change(id: ContainerId, change: (machine: HealthMachine) => void): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    watched.turn = {};
    change(watched.machine);
    this.#see(id, watched);
  }

  /** Sees to it that the next check begins when the machine wants it. */
  #see(id: ContainerId, watched: Watched): void {
    clearTimeout(watched.timer);
    const { probeAfterMs } = watched.machine;
    if (probeAfterMs !== undefined) watched.timer = setTimeout(() => void this.#probe(id, watched), probeAfterMs).unref();
  }

  async #probe(id: ContainerId, watched: Watched): Promise<void> {
    const { machine, check } = watched;
    const turn = {};
    watched.turn = turn;
    machine.probeBegins();
    const probe = await runProbe(this.#runner, id, check);
    if (watched.turn !== turn) return;
    if (machine.probeEnded(probe)) this.#told({ containerId: id, status: machine.health.status });
    this.#see(id, watched);
  }
}
