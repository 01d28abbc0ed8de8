import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Context, type Settings, socketOf } from '../context.ts';
import { Failure } from '../failure.ts';
import { moveNode, seekNodes } from './init.ts';
import { answers, waitFor } from './ready.ts';
import { enableUnit, journalOf, restartsOf, systemdServesUs, unitName } from './systemd.ts';

/** A small or busy machine takes its time: its disk for the first words of agreement, its kernel for modules. */
const READY_WITHIN_MS = 120_000;
const UNIT_POLL_MS = 1_000;
const LOG_LINES = 8;
/**
 * A daemon lives for months and is seldom busy: V8 and malloc shall rather spare memory than time (10
 * of 90 MB at rest). Its compilers stay on, though: they work for minutes after a start, and after four of
 * them a node at rest cost about a quarter less than one without Maglev. Registries are trusted as the host trusts them, also by
 * a CA that its administrator added.
 */
const MALLOC = ['/usr/bin/env', 'MALLOC_ARENA_MAX=2'];
const NODE_OPTIONS = ['--max-semi-space-size=1', '--optimize-for-size', '--use-system-ca'];

export interface Start {
  readonly settings: Settings;
  /** The configuration file; what of it concerns a daemon is read at each start. */
  readonly config: string | undefined;
  readonly foreground: boolean;
  /** The node moves to this address of the host first. */
  readonly advertise?: string | undefined;
  /** Where other nodes may be by now. */
  readonly seeds?: readonly string[];
  /** Called once it answers. */
  readonly onReady: () => Promise<void>;
}

/**
 * Starts the daemon of a node that is set up, and returns when it answers: as a systemd unit where
 * systemd runs, else as a process of its own; with `foreground` as our child, to its end.
 * @throws Failure with the end of its log
 */
export async function startDaemon(context: Context, start: Start): Promise<void> {
  const dataDir = resolve(start.settings.dataDir);
  const runDir = resolve(start.settings.runDir);
  if (await answers(socketOf(runDir))) throw new Failure(`a daemon runs already: it answers on ${socketOf(runDir)}`);
  if (start.advertise !== undefined) await moveNode(context.installation, dataDir, start.advertise);
  if (start.seeds !== undefined && start.seeds.length > 0) {
    for (const words of await seekNodes(context.installation, dataDir, start.seeds)) context.io.stderr.write(`warning: ${words}\n`);
  }
  const { node, daemonEntry } = context.installation;
  const config = start.config === undefined ? [] : ['--config', resolve(start.config)];
  const words = [...MALLOC, node, ...NODE_OPTIONS, daemonEntry, 'run', '--data-dir', dataDir, '--run-dir', runDir, ...config];
  if (start.foreground) return inForeground(context, words, runDir, start.onReady);
  if (context.installation.systemd && (await systemdServesUs())) {
    await enableUnit(dataDir, words);
    if (!(await unitAnswers(dataDir, runDir))) throw notReady(await journalOf(dataDir, LOG_LINES), `journalctl -u ${unitName(dataDir)}`);
  } else await inBackground(words, dataDir, runDir);
  await start.onReady();
}

/** False as soon as it ended by itself for the second time. */
async function unitAnswers(dataDir: string, runDir: string): Promise<boolean> {
  let failed = false;
  const poll = setInterval(() => {
    void restartsOf(dataDir).then(
      (restarts) => (failed ||= restarts >= 2),
      () => {},
    );
  }, UNIT_POLL_MS);
  try {
    return await waitFor(
      () => answers(socketOf(runDir)),
      READY_WITHIN_MS,
      () => failed,
    );
  } finally {
    clearInterval(poll);
  }
}

async function inBackground([program = '', ...words]: readonly string[], dataDir: string, runDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const logPath = join(dataDir, 'daemon.log');
  const log = openSync(logPath, 'a', 0o600);
  const child = spawn(program, words, {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
  });
  closeSync(log);
  let ended = false;
  child.once('error', () => (ended = true)).once('exit', () => (ended = true));
  const ready = await waitFor(
    () => answers(socketOf(runDir)),
    READY_WITHIN_MS,
    () => ended,
  );
  if (!ready) {
    // One that hangs would be in the way of the next try.
    if (!ended) child.kill('SIGTERM');
    throw notReady(await lastLines(logPath), logPath);
  }
  child.unref();
}

async function inForeground(
  context: Context,
  [program = '', ...words]: readonly string[],
  runDir: string,
  onReady: () => Promise<void>,
): Promise<void> {
  const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit'] });
  const stopProxying = context.io.onSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], (signal) => void child.kill(signal));
  let ended = false;
  const exit = new Promise<number>((resolved, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      ended = true;
      resolved(code ?? (signal === null ? 1 : 128));
    });
  });
  try {
    const ready = await Promise.race([
      waitFor(
        () => answers(socketOf(runDir)),
        READY_WITHIN_MS,
        () => ended,
      ),
      exit.then(() => false),
    ]);
    if (ready) await onReady();
    context.exitCode = await exit;
  } finally {
    stopProxying();
  }
}

function notReady(lines: string, where: string): Failure {
  const tail = lines === '' ? '' : `\n${lines}`;
  return new Failure(
    `the node is set up, but its daemon did not start (${where}); when the cause is gone, start it with \`caravela daemon\`${tail}`,
  );
}

async function lastLines(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trimEnd().split('\n').slice(-LOG_LINES).join('\n');
  } catch {
    return '';
  }
}
