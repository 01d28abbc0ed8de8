/** The daemon's program: `init create|join --json-stdin` makes this host a node, `address IP` moves it, `seek IP…` finds others that moved, `run` serves it. */
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { readConfigFile } from '../daemon/config-file.ts';
import { adviseAddress } from '../daemon/current-address.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { hostGoesDown } from '../daemon/host-goes-down.ts';
import { init } from '../daemon/init.ts';
import type { InitRequest } from '../daemon/init-options.ts';
import { createLog, linesTo } from '../daemon/log.ts';
import { nodePaths, readCredentials } from '../daemon/node-files.ts';
import { seekMembers } from '../daemon/seek-members.ts';
import { SqliteStore } from '../store/sqlite/sqlite-store.ts';

/** sysexits(3): an internal error; a supervisor starts it again. */
const EXIT_SOFTWARE = 70;
const STDERR = 2;
const DEFAULT_DATA_DIR = '/var/lib/caravela';
const DEFAULT_RUN_DIR = '/run/caravela';

async function main(): Promise<void> {
  const [verb, ...rest] = process.argv.slice(2);
  if (verb === 'init') return runInit();
  if (verb === 'address') return runAddress(rest);
  if (verb === 'seek') return runSeek(rest);
  if (verb === 'run') return runDaemon(rest);
  throw new Error(
    `this is the daemon's program, not for people: it takes "init", "address", "seek" or "run", got ${JSON.stringify(verb ?? '')}. Use "caravela daemon".`,
  );
}

async function runInit(): Promise<void> {
  const request = JSON.parse(await text(process.stdin)) as InitRequest;
  process.stdout.write(`${JSON.stringify(await init(request))}\n`);
}

function runAddress(args: string[]): void {
  const { values, positionals } = parseArgs({ args, options: { 'data-dir': { type: 'string' } }, allowPositionals: true });
  const store = new SqliteStore(nodePaths(values['data-dir'] ?? DEFAULT_DATA_DIR, DEFAULT_RUN_DIR).state);
  try {
    adviseAddress(store, positionals[0] ?? '');
  } finally {
    store.close();
  }
}

/** Prints what is to be said of those that were of no use, a line each. */
async function runSeek(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({ args, options: { 'data-dir': { type: 'string' } }, allowPositionals: true });
  const paths = nodePaths(values['data-dir'] ?? DEFAULT_DATA_DIR, DEFAULT_RUN_DIR);
  const store = new SqliteStore(paths.state);
  try {
    for (const words of await seekMembers(store, readCredentials(paths).caPem, positionals)) process.stdout.write(`${words}\n`);
  } finally {
    store.close();
  }
}

async function runDaemon(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { 'data-dir': { type: 'string' }, 'run-dir': { type: 'string' }, config: { type: 'string' } },
  });
  const paths = nodePaths(values['data-dir'] ?? DEFAULT_DATA_DIR, values['run-dir'] ?? DEFAULT_RUN_DIR);
  const config = readConfigFile(values.config);
  const log = createLog(config.log.level ?? 'info', linesTo(STDERR), Date.now);
  // A broken assumption in one request must not silently leave a daemon that half works.
  const fatal = (error: unknown) => {
    log('error', 'the daemon ends: it found itself in a state it must not be in; containers run on', {
      error: String(error),
      stack: (error as Error)?.stack,
    });
    process.exit(EXIT_SOFTWARE);
  };
  process.on('uncaughtException', fatal);
  process.on('unhandledRejection', fatal);
  const start = () =>
    startDaemon({
      paths,
      log,
      runtime: config.engine.runtime,
      onAssertion: fatal,
      onLeft: () => process.exit(0),
      onMoved: () => {
        moving = startAgain();
      },
    });
  const startAgain = async () => {
    await daemon.close({ stopContainers: false });
    daemon = await start();
  };
  let moving = Promise.resolve();
  let daemon = await start();
  const end = async (signal: string) => {
    const stopContainers = await hostGoesDown();
    log('info', stopContainers ? 'the host goes down: containers are stopped' : 'the daemon ends; containers run on', { signal });
    await moving;
    await daemon.close({ stopContainers });
    process.exit(0);
  };
  process.once('SIGTERM', () => void end('SIGTERM'));
  process.once('SIGINT', () => void end('SIGINT'));
}

try {
  await main();
} catch (error) {
  linesTo(STDERR)(`caravela-daemon: ${(error as Error).message}\n`);
  // At once: a start that failed half-way may have left ports and timers open, which would keep half a daemon alive.
  process.exit(1);
}
