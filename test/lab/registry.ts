import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from './lab.ts';
import { must, shell, until } from './shell.ts';

const MAKE_IMAGE = join(import.meta.dirname, '..', '..', 'scripts', 'make-image.ts');

/**
 * Starts Debian's docker-registry on the lab's bridge address, port 5000, with a busybox image in it
 * (`SUBNET.254:5000/busybox:1`), and one that has ping and getent besides (`…/tools:1`). It ends with the lab. Plain HTTP, as small registries at home are.
 */
export async function startRegistry(lab: Lab): Promise<ChildProcess> {
  const dir = join(lab.dir, 'registry');
  mkdirSync(dir, { recursive: true });
  const config = join(dir, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: ${dir}/data\n  delete:\n    enabled: true\nhttp:\n  addr: ${lab.bridgeIp}:5000\n`,
  );
  const inSwitch = ['nsenter', `--net=/run/netns/${lab.switchNetns}`];
  const log = openSync(join(dir, 'registry.log'), 'a');
  const [program, ...args] = [...inSwitch, 'docker-registry', 'serve', config];
  const child = spawn(program ?? '', args, { stdio: ['ignore', log, log], detached: true });
  child.unref();
  await until('the registry to answer', async () => (await shell([...inSwitch, process.execPath, '-e', probe(lab.bridgeIp)])).code === 0);
  await must([...inSwitch, process.execPath, MAKE_IMAGE, '--push', `http://${lab.bridgeIp}:5000/busybox:1`]);
  // busybox is linked statically, and resolves names badly: these ask like programs of any image do.
  const tools = ['/bin/ping', '/usr/bin/getent'].flatMap((program) => ['--with', program]);
  await must([...inSwitch, process.execPath, MAKE_IMAGE, '--push', `http://${lab.bridgeIp}:5000/tools:1`, ...tools]);
  return child;
}

function probe(ip: string): string {
  return `fetch('http://${ip}:5000/v2/').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
}
