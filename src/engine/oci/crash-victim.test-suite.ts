import { type ContainerId, containerId, taskId } from '../../core/model/index.ts';
import { containerSpec, ON_HOST } from '../spec.test-suite.ts';
import { DirectoryImages } from './oci-bench.test-suite.ts';
import { createOciEngine } from './create-oci-engine.ts';

/**
 * A daemon that does nothing but make, start, stop and remove containers, and run processes in them, until it is killed. Run with the bench's
 * directories as arguments; writes `ready` when it has begun.
 */
const [dataDir = '', runDir = '', nodeShortId = '', layer = ''] = process.argv.slice(2);
const engine = await createOciEngine({ dataDir, runDir, nodeShortId, images: new DirectoryImages([layer]), log: () => undefined });
const EXEC = { env: [], workingDir: '', user: '', privileged: false, tty: false, stdin: false };
const tasks = new Map<ContainerId, number>();
for (const each of await engine.recover(() => true)) {
  const last = each.state === 'running' ? each.taskId : each.state === 'exited' ? each.exit.taskId : '.0';
  tasks.set(each.containerId, Number(last.slice(last.lastIndexOf('.') + 1)));
}
process.stdout.write('ready\n');

async function live(id: ContainerId, command: readonly string[]): Promise<never> {
  for (;;) {
    await engine.create(id, containerSpec({ command }), []);
    for (let starts = 0; starts < 3; starts++) {
      const n = (tasks.get(id) ?? 0) + 1;
      tasks.set(id, n);
      await engine.stop(id, 'SIGKILL', 0);
      await engine.start(id, taskId(id, n), ON_HOST);
      // One that is over soon, and one that ends with its container; where that has ended already, none.
      await engine.exec(id, { ...EXEC, argv: ['true'] }).catch(() => undefined);
      await engine.exec(id, { ...EXEC, argv: ['sleep', '60'] }).catch(() => undefined);
    }
    await engine.remove(id);
  }
}

await Promise.all([
  live(containerId('a'.repeat(64)), ['true']),
  live(containerId('b'.repeat(64)), ['sleep', '60']),
  live(containerId('c'.repeat(64)), ['sh', '-c', 'sleep 60 & sleep 0.05']),
]);
