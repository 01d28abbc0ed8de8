import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { until } from '../../../test/lab/shell.ts';
import { isAlive, type ProcessIdentity } from '../../linux/process-identity.ts';
import { endEarlier, EtcdProcess } from './etcd-process.ts';
import { hostsFile, writeHostsFile } from './hosts-file.ts';

const HELPER = join(import.meta.dirname, 'start-etcd.test-helper.ts');

async function daemonWith(
  script: string,
  { onTestFinished }: TestContext,
): Promise<{ dir: string; daemon: ChildProcess; identity: ProcessIdentity }> {
  const dir = mkdtempSync(join(tmpdir(), 'etcd-process-'));
  onTestFinished(async () => {
    daemon.kill('SIGKILL');
    await endEarlier(join(dir, 'etcd.process'));
    rmSync(dir, { recursive: true, force: true });
  });
  writeHostsFile(join(dir, 'hosts'), hostsFile([]));
  const daemon = spawn(process.execPath, [HELPER, dir, script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await until('what stands for etcd to run', async () => existsSync(join(dir, 'runs')));
  return { dir, daemon, identity: JSON.parse(readFileSync(join(dir, 'etcd.process'), 'utf8')) as ProcessIdentity };
}

it('sees our hosts file, which nobody else does, and what is written to it later', async (context) => {
  const { dir, identity } = await daemonWith('touch runs; exec sleep 1000', context);
  const seen = () => readFileSync(`/proc/${identity.pid}/root/etc/hosts`, 'utf8');
  expect(seen()).toBe('127.0.0.1 localhost\n::1 localhost\n');
  expect(writeHostsFile(join(dir, 'hosts'), '127.0.0.1 localhost\n')).toBe(true);
  expect(writeHostsFile(join(dir, 'hosts'), '127.0.0.1 localhost\n')).toBe(false);
  expect(seen()).toBe('127.0.0.1 localhost\n');
  expect(readFileSync('/etc/hosts', 'utf8')).not.toBe(seen());
});

it('ends when the daemon is killed', async (context) => {
  const { daemon, identity } = await daemonWith('touch runs; exec sleep 1000', context);
  expect(isAlive(identity)).toBe(true);
  daemon.kill('SIGKILL');
  await until('etcd to end with the daemon', async () => !isAlive(identity));
});

it('is ended before another is started, where it did not end with the daemon', async (context) => {
  const { dir, daemon, identity } = await daemonWith('trap "" TERM; touch runs; exec sleep 1000', context);
  daemon.kill('SIGKILL');
  await endEarlier(join(dir, 'etcd.process'));
  expect(isAlive(identity)).toBe(false);
  expect(existsSync(join(dir, 'etcd.process'))).toBe(false);
  await endEarlier(join(dir, 'etcd.process'));
});

it('does not live where it can’t be written down for the next start to find', async ({ onTestFinished }) => {
  const dir = mkdtempSync(join(tmpdir(), 'etcd-process-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const started = new EtcdProcess(['sh', '-c', 'exec sleep 1000'], dir, join(dir, 'no-such-directory', 'etcd.process'), () => {});
  const { words, wasRemoved } = await started.ended;
  expect([words, wasRemoved]).toEqual([expect.stringContaining('could not be written down: ENOENT'), false]);
});
