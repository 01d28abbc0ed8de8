/** The daemon's program: `init create|join --json-stdin` makes this host a node, `run` serves it. */
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { readConfigFile } from '../daemon/config-file.ts';
import { startDaemon } from '../daemon/daemon.ts';
import { hostGoesDown } from '../daemon/host-goes-down.ts';
import { init } from '../daemon/init.ts';
import type { InitRequest } from '../daemon/init-options.ts';
import { createLog, linesTo } from '../daemon/log.ts';
import { nodePaths } from '../daemon/node-files.ts';

/** sysexits(3): an internal error; a supervisor starts it again. */
const EXIT_SOFTWARE = 70;
const STDERR = 2;

async function main(): Promise<void> {
  const [verb, ...rest] = process.argv.slice(2);
  if (verb === 'init') return runInit();
  if (verb === 'run') return runDaemon(rest);
  throw new Error(
    `this is the daemon's program, not for people: it takes "init" or "run", got ${JSON.stringify(verb ?? '')}. Use "caravela daemon".`,
  );
}

async function runInit(): Promise<void> {
  const request = JSON.parse(await text(process.stdin)) as InitRequest;
  process.stdout.write(`${JSON.stringify(await init(request))}\n`);
}

async function runDaemon(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { 'data-dir': { type: 'string' }, 'run-dir': { type: 'string' }, config: { type: 'string' } },
  });
  const paths = nodePaths(values['data-dir'] ?? '/var/lib/caravela', values['run-dir'] ?? '/run/caravela');
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
  const daemon = await startDaemon({ paths, log, runtime: config.engine.runtime, onAssertion: fatal, onLeft: () => process.exit(0) });
  const end = async (signal: string) => {
    const stopContainers = await hostGoesDown();
    log('info', stopContainers ? 'the host goes down: containers are stopped' : 'the daemon ends; containers run on', { signal });
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
