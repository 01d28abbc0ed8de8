import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
// The only thing taken from it is a text; the bundle carries it.
import manifest from '../../package.json' with { type: 'json' };

// Bytecode is kept beside the program, not in a shared directory where others could put theirs.
enableCompileCache(join(import.meta.dirname, '.compile-cache'));

const { main } = await import('../cli/main.ts');
const { processIo } = await import('../cli/io.ts');

for (const stream of [process.stdout, process.stderr]) {
  // Whoever reads us has enough (`caravela logs | head`): end as a program does that SIGPIPE ended.
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 141 : 1));
}

// Bundled, the daemon lies beside us; in the source tree too, but not compiled.
const daemon = import.meta.filename.endsWith('.ts') ? 'caravela-daemon.ts' : 'daemon.mjs';
process.exitCode = await main(process.argv.slice(2), processIo(), {
  version: manifest.version,
  node: process.execPath,
  daemonEntry: join(import.meta.dirname, daemon),
  systemd: true,
});
