import type { ContainerId, TaskId } from '../../core/model/index.ts';
import type { HealthCheck } from '../health/health-check.ts';
import type { ContainerDetails, ContainerSpec, Exit, StartedTask, TaskPlace, TerminalSize } from '../port.ts';
import type { FakeExec } from './fake-exec.ts';
import type { FakeFiles } from './fake-files.ts';
import { FakeImages, fakeImage } from './fake-images.ts';
import type { FakeLog } from './fake-log.ts';
import type { FakeProcess } from './fake-process.ts';
import type { FakeStreams } from './fake-streams.ts';
import { FakeVolumes } from './fake-volumes.ts';

export interface FakeContainer {
  /** As it was made, and updated since. */
  spec: ContainerSpec;
  readonly details: ContainerDetails;
  readonly health: HealthCheck | undefined;
  readonly log: FakeLog;
  readonly files: FakeFiles;
  /** Of the running task, or the next. */
  streams: FakeStreams;
  size: TerminalSize;
  process: FakeProcess | undefined;
  paused: boolean;
  /** Those that run. */
  readonly execs: Set<FakeExec>;
  started: (StartedTask & { readonly taskId: TaskId }) | undefined;
  exit: Exit | undefined;
  /** What the newest task was given, and since. */
  place: TaskPlace | undefined;
}

/** What survives a FakeEngine: containers run on while no engine is open. */
export class FakeHost {
  readonly images = new FakeImages();
  readonly containers = new Map<ContainerId, FakeContainer>();
  readonly volumes = new FakeVolumes((name) => this.#usersOf(name));
  /** Hears of exits; the engine that is open. */
  listener: ((exit: Exit) => void) | undefined;
  nextPid = 1_000;

  constructor() {
    this.images.publish(fakeImage());
    this.images.add(fakeImage());
  }

  #usersOf(volume: string): string[] {
    return [...this.containers].flatMap(([id, { spec }]) =>
      spec.mounts?.some((mount) => mount.kind === 'volume' && mount.name === volume) === true ? [id] : [],
    );
  }
}
