import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ContainerId, shortId } from '../../../core/model/index.ts';
import { isFrozen } from '../../../linux/freezer.ts';
import { identify, isAlive, type ProcessIdentity, SIGKILL, signalProcess } from '../../../linux/process-identity.ts';
import type { FanOptions } from '../../output-fan.ts';
import { EngineError, type ExecSpec } from '../../port.ts';
import { notRunningMessage, pausedMessage } from '../../refusals.ts';
import { resolveUser } from '../container-user.ts';
import type { ContainerLookup } from '../containers.ts';
import type { ExecPaths } from '../engine-paths.ts';
import type { HeldContainer } from '../held-container.ts';
import { cgroupOf, type Host } from '../host.ts';
import { keepNullDevice } from '../null-device.ts';
import type { RunningTask } from '../record.ts';
import { RuntimeFailure } from '../runtime.ts';
import { runtimeMessage } from '../runtime-message.ts';
import type { RuntimeSpec } from '../runtime-spec.ts';
import { separate } from '../separate.ts';
import { endStrays, findStrays, type Stray } from '../strays.ts';
import { TaskStreams } from '../task-streams.ts';
import { ConmonExec, type StartedExec } from './conmon-exec.ts';
import { parseExactly } from './exact-json.ts';
import { execProcess } from './exec-process.ts';
import { OciExec } from './oci-exec.ts';

/** At once, in one container. */
const MOST_EXECS = 256;
/** For starts under way, when a container is to be paused. */
const START_PATIENCE_MS = 5_000;
/** For a conmon whose container's processes are gone. */
const CONMON_PATIENCE_MS = 2_000;

/** One exec's directory, and who watches it. */
interface HeldExec {
  readonly containerId: ContainerId;
  readonly paths: ExecPaths;
  /** undefined while it is being started. */
  conmon: ProcessIdentity | undefined;
  streams: TaskStreams | undefined;
}

/**
 * What was started in containers beside their first processes. Each has a directory and a conmon, which end with it,
 * and at the latest with its container's task.
 *
 * It goes on when the daemon dies, as its container does: a backup that `exec -d` began is not lost to an upgrade.
 * Only, nobody can ask for it any more, as its id and its streams were the dead daemon's: the next one waits for its
 * end and clears up behind it.
 */
export class Execs {
  readonly #host: Host;
  readonly #fan: FanOptions;
  readonly #containers: ContainerLookup;
  readonly #held = new Set<HeldExec>();
  readonly #starting = new Map<ContainerId, Set<Promise<unknown>>>();
  /** Where none may be started just now. */
  readonly #quiet = new Set<ContainerId>();

  constructor(host: Host, containers: ContainerLookup, fan: FanOptions) {
    this.#host = host;
    this.#containers = containers;
    this.#fan = fan;
  }

  /** @throws EngineError */
  async start(id: ContainerId, spec: ExecSpec): Promise<OciExec> {
    const container = this.#containers.held(id);
    const { running } = container;
    if (running === undefined) throw new EngineError('wrong-state', notRunningMessage(id));
    if (this.#quiet.has(id) || isFrozen(this.#host.trees, cgroupOf(this.#host, id)))
      throw new EngineError('wrong-state', pausedMessage(id));
    if ([...this.#held].filter((each) => each.containerId === id).length >= MOST_EXECS) {
      throw new EngineError('wrong-state', `container ${shortId(id)} runs ${MOST_EXECS} execs already: wait for one to end`);
    }
    const work = this.#launch(container, running, spec);
    const starting = this.#starting.get(id) ?? new Set();
    this.#starting.set(id, starting.add(work));
    try {
      return await work;
    } finally {
      starting.delete(work);
      if (starting.size === 0) this.#starting.delete(id);
    }
  }

  /** Does the work while none is being started in the container; who wants one meanwhile is told that it is paused. @throws EngineError */
  async withNoneStarting(id: ContainerId, work: () => Promise<void>): Promise<void> {
    this.#quiet.add(id);
    try {
      if (!(await this.#startsEnd(id, START_PATIENCE_MS))) {
        throw new EngineError(
          'wrong-state',
          `container ${shortId(id)} can't be paused just now, as processes are being started in it: try again`,
        );
      }
      await work();
    } finally {
      this.#quiet.delete(id);
    }
  }

  /** The container's task has ended, and all of its processes. */
  async endAll(id: ContainerId): Promise<void> {
    const ofContainer = [...this.#held].filter((each) => each.containerId === id);
    if (ofContainer.length === 0) return;
    for (const { streams } of ofContainer) streams?.hurry();
    const areGone = (await this.#startsEnd(id, CONMON_PATIENCE_MS)) && (await endsSoon(ofContainer.flatMap(({ conmon }) => conmon ?? [])));
    if (!areGone) await endStrays(straysOf(this.#host, ofContainer));
    for (const each of ofContainer) await this.#clear(each);
  }

  /** What another engine left: what still runs in a container that runs goes on, of the rest nothing stays. */
  async recover(running: ReadonlySet<string>): Promise<void> {
    const conmons = findStrays(this.#host.paths).filter(({ kind }) => kind === 'exec');
    for (const name of await readdir(this.#host.paths.execs)) {
      const paths = this.#host.paths.exec(name);
      const mine = conmons.filter(({ argv }) => argv.includes(paths.dir));
      const containerId = mine.map(({ argv }) => argv[argv.indexOf('-c') + 1]).find((id) => id !== undefined && running.has(id));
      const [conmon] = mine;
      if (containerId !== undefined && conmon !== undefined && mine.length === 1) {
        this.#held.add({ containerId: containerId as ContainerId, paths, conmon: conmon.process, streams: undefined });
      } else {
        await endStrays(mine);
        await rm(paths.dir, { recursive: true, force: true });
      }
    }
  }

  /** Clears up behind those that nobody listens to. */
  async round(): Promise<void> {
    for (const each of this.#held) {
      if (each.streams === undefined && each.conmon !== undefined && !isAlive(each.conmon)) await this.#clear(each);
    }
  }

  /** Nobody hears of them any more; they go on. */
  close(): void {
    for (const { streams } of this.#held) streams?.close();
  }

  /** Returns whether none is being started any more within the time. */
  async #startsEnd(id: ContainerId, withinMs: number): Promise<boolean> {
    const starting = this.#starting.get(id);
    if (starting === undefined) return true;
    return Promise.race([Promise.allSettled(starting).then(() => true), delay(withinMs, false, { ref: false })]);
  }

  async #launch({ record }: HeldContainer, running: RunningTask, spec: ExecSpec): Promise<OciExec> {
    const host = this.#host;
    const { id } = record;
    const paths = host.paths.exec(`${shortId(id)}-${randomBytes(4).toString('hex')}`);
    const streams = new TaskStreams({ openStdin: spec.stdin, stdinOnce: true, tty: spec.tty }, this.#fan);
    const held: HeldExec = { containerId: id, paths, conmon: undefined, streams };
    this.#held.add(held);
    const leaving = new AbortController();
    const attached = streams.join({ stdin: spec.stdin, signal: leaving.signal });
    try {
      // Its environment is nobody else's to read.
      await mkdir(paths.dir, { recursive: true, mode: 0o700 });
      const runtime = host.runtimes.named(running.runtime);
      const conmon = new ConmonExec(host.conmonPath, { ...spec, containerId: id, runtime, paths });
      try {
        const bundle = host.paths.bundle(id);
        const { process } = parseExactly(await readFile(bundle.config, 'utf8')) as RuntimeSpec;
        const user = spec.user === '' ? undefined : resolveUser(bundle.rootfs, spec.user, record.spec.extras?.groupAdd);
        const config = execProcess(spec, { first: process, config: record.process }, user, host.ownCapabilities);
        await Promise.all([writeFile(paths.process, JSON.stringify(config)), separate(host, conmon.pid)]);
      } catch (error) {
        await conmon.abandon();
        throw error;
      }
      const started = await conmon.start(() => streams.connect(paths.attach));
      held.conmon = started.conmon;
      keepNullDevice(runtime, host.log);
      const exec = new OciExec(attached, leaving, started, spec.tty ? paths.control : undefined);
      void this.#clearAfter(held, started, exec);
      return exec;
    } catch (error) {
      streams.close();
      if (identify(Number(await readFile(paths.conmonPid, 'latin1').catch(() => '0'))) !== undefined)
        await endStrays(straysOf(host, [held]));
      await this.#clear(held);
      if (this.#containers.held(id).running !== running) throw new EngineError('wrong-state', notRunningMessage(id));
      throw asEngineError(error, spec.argv[0]);
    }
  }

  async #clearAfter(held: HeldExec, { conmon }: StartedExec, { exitCode }: OciExec): Promise<void> {
    await exitCode;
    if (conmon !== undefined && !(await endsSoon([conmon]))) signalProcess(conmon, SIGKILL);
    await this.#clear(held);
  }

  async #clear(held: HeldExec): Promise<void> {
    this.#held.delete(held);
    await rm(held.paths.dir, { recursive: true, force: true }).catch((error: unknown) => {
      this.#host.log('warn', `what is left of an exec stays in ${held.paths.dir}: ${String(error)}`);
    });
  }
}

/** A conmon needs some ms between its process's end and its own. Returns whether all are gone in time. */
async function endsSoon(conmons: readonly ProcessIdentity[]): Promise<boolean> {
  const deadline = Date.now() + CONMON_PATIENCE_MS;
  while (conmons.some(isAlive)) {
    if (Date.now() > deadline) return false;
    await delay(2);
  }
  return true;
}

/** conmons of these, and what they run to start them. */
const straysOf = (host: Host, execs: readonly HeldExec[]): Stray[] =>
  findStrays(host.paths).filter(({ argv }) => execs.some(({ paths }) => argv.some((each) => each.startsWith(join(paths.dir, '/')))));

function asEngineError(error: unknown, program: string): Error {
  if (error instanceof EngineError) return error;
  if (error instanceof RuntimeFailure) return new EngineError('engine-failed', runtimeMessage(error.message, program, 'exec'));
  return new EngineError(
    'engine-failed',
    `can't start ${JSON.stringify(program)}: ${error instanceof Error ? error.message : String(error)}`,
  );
}
