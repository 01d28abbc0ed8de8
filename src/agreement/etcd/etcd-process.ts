import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { bootId } from '../../linux/boot-id.ts';
import { identify, isAlive, type ProcessIdentity, SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import { environment } from './command.ts';

/** How an etcd ended. */
export interface Ended {
  /** It was told that it belongs to its cluster no more, and never will again. */
  readonly wasRemoved: boolean;
  readonly words: string;
}

type Tell = (level: 'debug' | 'warn', message: string, facts: Readonly<Record<string, unknown>>) => void;

/** Its own words for that, as errors of rafthttp and etcdserver. */
const REMOVED = 'the member has been permanently removed from the cluster';
const STOP_MS = 3_000;
const POLL_MS = 20;
const WORDS = 400;

/** One run of etcd, from its start to its end. */
export class EtcdProcess {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #words = '';
  #wasRemoved = false;

  /** @param identityFile where its process is written down, for the next start to find */
  constructor(command: readonly string[], cwd: string, identityFile: string, tell: Tell) {
    const [program, ...words] = command;
    this.#child = spawn(program!, words, { cwd, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    // Without a free descriptor it has no streams, and what nobody hears ends the daemon.
    this.#child.on('error', () => undefined);
    try {
      if (this.#child.pid !== undefined) keepIdentity(identityFile, this.#child.pid);
    } catch (error) {
      // A full disk: one that the next start could not find must not live.
      this.#words = `its process could not be written down: ${(error as Error).message}`;
      this.#child.kill('SIGKILL');
    }
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#hear(line, tell));
    }
    this.ended = new Promise((resolve) => {
      const end = (why: string) => {
        rmSync(identityFile, { force: true });
        resolve({ wasRemoved: this.#wasRemoved, words: this.#words === '' ? why : this.#words });
      };
      this.#child.once('error', (error) => end(error.message));
      this.#child.once('close', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
    });
  }

  /** A leader passes leadership on first. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }

  #hear(line: string, tell: Tell): void {
    const { level, msg, ...facts } = parseLine(line);
    if (line.includes(REMOVED)) this.#wasRemoved = true;
    if (level !== 'info' && level !== 'warn')
      this.#words = `${msg}${typeof facts['error'] === 'string' ? `: ${facts['error']}` : ''}`.slice(0, WORDS);
    tell('debug', `etcd: ${msg}`.slice(0, WORDS), { level });
  }
}

function parseLine(line: string): { readonly level: string; readonly msg: string } & Readonly<Record<string, unknown>> {
  try {
    const fields = JSON.parse(line) as Record<string, unknown>;
    return { ...fields, level: String(fields['level']), msg: String(fields['msg']) };
  } catch {
    // What comes before etcd's own log: the shell's words, a flag it does not know, a panic.
    return { level: 'error', msg: line };
  }
}

function keepIdentity(file: string, pid: number): void {
  const identity = identify(pid);
  if (identity !== undefined) writeFileSync(file, JSON.stringify({ ...identity, bootId: bootId() }), { mode: 0o600 });
}

/**
 * Ends the etcd that an earlier daemon started and left: two on one directory must never be. (etcd locks its files,
 * too: the second would wait for the first.) It was asked to end when that daemon died.
 */
export async function endEarlier(identityFile: string): Promise<void> {
  const earlier = readIdentity(identityFile);
  if (earlier !== undefined && isAlive(earlier)) {
    for (let waited = 0; isAlive(earlier) && waited < STOP_MS; waited += POLL_MS) await sleep(POLL_MS);
    signalProcess(earlier, SIGKILL);
    while (isAlive(earlier)) await sleep(POLL_MS);
  }
  rmSync(identityFile, { force: true });
}

function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    const { pid, startTime, bootId: boot } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    return typeof pid === 'number' && typeof startTime === 'number' && boot === bootId() ? { pid, startTime } : undefined;
  } catch {
    return undefined;
  }
}
