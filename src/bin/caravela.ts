import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
// The only thing taken from it is the version; the bundle carries it.
import manifest from '../../package.json' with { type: 'json' };

// Bytecode is kept beside the program, not in a shared directory where others could put theirs.
enableCompileCache(join(import.meta.dirname, '.compile-cache'));

for (const stream of [process.stdout, process.stderr]) {
  // Whoever reads us has enough (`caravela logs | head`): end as a program does that SIGPIPE ended.
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 141 : 1));
}

void run();

async function run(): Promise<void> {
  // Loaded after the cache is on. No top-level await: the client is bundled as CommonJS (scripts/build.ts says why).
  const [{ main }, { processIo }] = await Promise.all([import('../cli/main.ts'), import('../cli/io.ts')]);
  // Bundled, the daemon lies beside us; in the source tree too, but not compiled.
  const daemon = import.meta.filename.endsWith('.ts') ? 'caravela-daemon.ts' : 'daemon.mjs';
  process.exitCode = await main(process.argv.slice(2), processIo(), {
    version: manifest.version,
    node: process.execPath,
    daemonEntry: join(import.meta.dirname, daemon),
    systemd: true,
  });
}
