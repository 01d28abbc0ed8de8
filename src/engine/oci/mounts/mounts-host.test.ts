import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskId } from '../../../core/model/index.ts';
import { A, B, logOptions, textOf } from '../../contract.test-suite.ts';
import type { ContainerSpec, LogEntry, MountWish, SpecExtras } from '../../port.ts';
import { containerSpec, ON_HOST } from '../../spec.test-suite.ts';
import { ownCapabilities } from '../capabilities.ts';
import { OciBench } from '../oci-bench.test-suite.ts';
import type { OciEngine } from '../oci-engine.ts';

/** The kernel's side of what is mounted into a container, and of what few ask for. */
let bench: OciBench;
let engine: OciEngine;
let image: string;
let bound: string;

beforeEach(async () => {
  bench = new OciBench({ Volumes: { '/from/image': {} } });
  image = join(bench.dir, 'layer');
  mkdirSync(join(image, 'content/deep'), { recursive: true });
  writeFileSync(join(image, 'content/deep/file'), 'of the image', { mode: 0o640 });
  chownSync(join(image, 'content/deep/file'), 5, 6);
  chownSync(join(image, 'content'), 7, 8);
  chmodSync(join(image, 'content'), 0o1770);
  symlinkSync('/content', join(image, 'alias'));
  symlinkSync('.', join(image, 'whole'));
  bound = join(bench.dir, 'bound');
  mkdirSync(bound);
  writeFileSync(join(bound, 'file'), 'of the host');
  engine = await bench.open();
  await engine.recover(() => true);
});
afterEach(async () => {
  await engine.remove(A, { volumes: true });
  await engine.remove(B, { volumes: true });
  await bench.destroy();
});

async function run(
  script: string,
  mounts: readonly MountWish[] = [],
  extras: SpecExtras = {},
  change: Partial<ContainerSpec> = {},
): Promise<string> {
  await engine.create(A, containerSpec({ command: ['sh', '-c', script], mounts, extras, ...change }), []);
  await engine.start(A, taskId(A, 1), ON_HOST);
  const entries: LogEntry[] = [];
  for await (const entry of engine.logs(A, logOptions({ follow: true }))) entries.push(entry);
  return textOf(entries);
}
const bind = (change: Partial<MountWish & { kind: 'bind' }> = {}): MountWish => ({
  kind: 'bind',
  source: bound,
  target: '/b',
  readOnly: false,
  propagation: 'rprivate',
  createSource: false,
  ...change,
});
const volume = (change: Partial<MountWish & { kind: 'volume' }> = {}): MountWish => ({
  kind: 'volume',
  name: 'data',
  target: '/content',
  readOnly: false,
  anonymous: false,
  noCopy: false,
  labels: {},
  ...change,
});
const data = (name: string, ...path: string[]): string => join(bench.dataDir, 'volumes', name, '_data', ...path);

describe('a bind mount', () => {
  it('is the host’s directory or file, read-only where that was asked for', async () => {
    const out = await run('cat /b/file /f; echo new > /b/new; echo x > /ro/x', [
      bind(),
      bind({ target: '/ro', readOnly: true }),
      bind({ source: join(bound, 'file'), target: '/f' }),
    ]);
    expect(out).toContain('of the hostof the host');
    expect(out).toContain('Read-only file system');
    expect(readFileSync(join(bound, 'new'), 'utf8')).toBe('new\n');
    expect(existsSync(join(bound, 'x'))).toBe(false);
  });

  it('of what is not there is refused, or made, as was asked for', async () => {
    const source = join(bench.dir, 'not/there');
    await expect(engine.create(A, containerSpec({ mounts: [bind({ source })] }), [])).rejects.toThrow(
      `invalid mount config for type "bind": bind source path does not exist: ${source}`,
    );
    expect(await engine.volumes.list()).toEqual([]);
    await run('echo made > /b/x', [bind({ source, createSource: true })]);
    expect(readFileSync(join(source, 'x'), 'utf8')).toBe('made\n');
  });

  it('shows what the host mounts there later only where that was asked for', async () => {
    expect(await run('grep " /b " /proc/self/mountinfo', [bind({ propagation: 'rslave' })])).toContain(' /b ');
  });
});

describe('a volume', () => {
  it('gets what the image has there, owners and modes too, when it is new', async () => {
    await run('echo changed > /content/deep/file', [volume({ target: '/alias' })]);
    expect(readFileSync(data('data', 'deep/file'), 'utf8')).toBe('changed\n');
    expect(statSync(data('data', 'deep/file'))).toMatchObject({ uid: 5, gid: 6 });
    expect(statSync(data('data', 'deep/file')).mode & 0o7777).toBe(0o640);
    expect(statSync(data('data'))).toMatchObject({ uid: 7, gid: 8 });
    expect(statSync(data('data')).mode & 0o7777).toBe(0o1770);
    expect(readFileSync(join(image, 'content/deep/file'), 'utf8')).toBe('of the image');
    await engine.create(B, containerSpec({ mounts: [volume()] }), []);
    expect(readFileSync(data('data', 'deep/file'), 'utf8')).toBe('changed\n');
  });

  it('stays empty where that was asked for', async () => {
    await engine.create(A, containerSpec({ mounts: [volume({ noCopy: true })] }), []);
    expect(readdirSync(data('data'))).toEqual([]);
  });

  it('of which the image says that it is its whole root is refused, and nothing of it stays', async () => {
    const mounts = [volume({ target: '/whole' })];
    await expect(engine.create(A, containerSpec({ mounts }), [])).rejects.toMatchObject({
      code: 'engine-failed',
      message: `invalid mount config for type "volume": invalid specification: destination can't be '/', and in the image /whole leads there`,
    });
    expect(readdirSync(data('data'))).toEqual([]);
  });

  it('is made for each VOLUME of the image, and goes with the container where that is asked for', async () => {
    await run('echo x > /from/image/x; touch /content/y', [volume({ name: 'named' })]);
    const { mounts = [] } = await engine.details(A);
    const own = mounts.find(({ target }) => target === '/from/image');
    expect(own).toMatchObject({ kind: 'volume', anonymous: true });
    expect((await engine.volumes.list()).map(({ usedBy }) => usedBy)).toEqual([[A], [A]]);
    await expect(engine.volumes.remove('named')).rejects.toMatchObject({ code: 'in-use' });
    await engine.remove(A, { volumes: true });
    expect((await engine.volumes.list()).map(({ name }) => name)).toEqual(['named']);
  });

  it('stays when its container goes, unless that was asked for; after a restart, too', async () => {
    await run('true', [volume()]);
    await engine.close();
    engine = await bench.open();
    await engine.recover(() => true);
    await expect(engine.volumes.remove('data')).rejects.toMatchObject({ code: 'in-use' });
    await engine.remove(A);
    expect(await engine.volumes.list()).toHaveLength(2);
    await engine.volumes.remove('data');
  });
});

describe('a tmpfs', () => {
  it('is as it was asked for', async () => {
    const wish: MountWish = { kind: 'tmpfs', target: '/t', readOnly: false, sizeBytes: 2 ** 20, mode: 0o700, options: ['uid=5', 'exec'] };
    const out = await run('stat -c "%a %u" /t; grep " /t " /proc/mounts', [wish]);
    expect(out).toMatch(/^700 5\n/);
    expect(out).toMatch(/ \/t tmpfs rw,nosuid,nodev,.*size=1024k,mode=700,uid=5/);
  });
});

describe('what few ask for', () => {
  it('makes a container privileged', async () => {
    const script =
      'grep -E "CapEff|Seccomp:" /proc/self/status; ls /dev/full /dev/kmsg | wc -l; touch /proc/sys/kernel/hostname && echo may';
    const out = await run(script, [], { privileged: true });
    const own = /^CapBnd:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
    expect(out).toMatch(new RegExp(`CapEff:\\s+${own}\nSeccomp:\\s+0\n2\n`));
    expect(out).toMatch(/may\n$/);
  });

  it('limits it in its control group', async () => {
    const v2 = engine.description.cgroupVersion === 2;
    const show = v2
      ? 'cat cpu.max memory.low cpuset.cpus'
      : 'cat cpu/cpu.shares cpu/cpu.cfs_quota_us memory/memory.soft_limit_in_bytes cpuset/cpuset.cpus';
    const extras = { cpuShares: 512, cpuQuota: 40_000, cpuPeriod: 100_000, cpusetCpus: '0', memoryReservationBytes: 2 ** 24 };
    expect(await run(`cd /sys/fs/cgroup; ${show}`, [], extras)).toBe(v2 ? '40000 100000\n16777216\n0\n' : '512\n40000\n16777216\n0\n');
  });

  it('gives it devices, shared memory, limits, groups and kernel settings', async () => {
    const extras: SpecExtras = {
      devices: [{ hostPath: '/dev/full', containerPath: '/dev/brim', permissions: 'rw' }],
      shmBytes: 2 ** 20,
      ulimits: [
        { name: 'nofile', soft: 100, hard: 200 },
        { name: 'core', soft: -1, hard: -1 },
      ],
      groupAdd: ['deck', '77'],
      sysctls: { 'kernel.shm_rmid_forced': '1' },
      oomScoreAdj: 500,
      securityOptions: ['no-new-privileges'],
    };
    const out = await run(
      'exec 2>&1; echo x > /dev/brim; df -k /dev/shm | tail -1; ulimit -n; ulimit -Hn; ulimit -c; id -G; cat /proc/sys/kernel/shm_rmid_forced /proc/self/oom_score_adj; grep NoNew /proc/self/status; cat /proc/sys/kernel/domainname',
      [],
      extras,
      { domainname: 'example.org' },
    );
    expect(out).toContain('No space left on device');
    expect(out).toMatch(/shm +1024 /);
    expect(out).toContain('\n100\n200\nunlimited\n0 77 1003\n1\n500\nNoNewPrivs:\t1\nexample.org\n');
  });

  it('cuts a limit to this daemon’s own, and says so', async () => {
    const own = Number(/^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
    expect(await run('ulimit -Hn', [], { ulimits: [{ name: 'nofile', soft: 50, hard: own + 1 }] })).toMatch(/^\d+\n$/);
    const cut = bench.warnings.some((warning) => warning.includes(`ulimit nofile=${own + 1} is cut to ${own}`));
    expect(cut).toBe(!ownCapabilities().has('CAP_SYS_RESOURCE'));
  });

  it('shares namespaces with the host, and with another that runs here', async () => {
    await engine.create(
      B,
      containerSpec({ command: ['sh', '-c', 'echo shared > /dev/shm/x; exec sleep 600'], extras: { ipcMode: 'shareable' } }),
      [],
    );
    await expect(
      engine.create(A, containerSpec({ extras: { pidMode: `container:${B}` } }), []).then(() => engine.start(A, taskId(A, 1), ON_HOST)),
    ).rejects.toThrow('cannot join PID of a non running container');
    await engine.remove(A);
    const { pid } = await engine.start(B, taskId(B, 1), ON_HOST);
    const out = await run(
      'until [ -s /dev/shm/x ]; do sleep 0.05; done; cat /dev/shm/x; for kind in pid ipc uts; do readlink /proc/self/ns/$kind; done',
      [],
      { pidMode: `container:${B}`, ipcMode: `container:${B}`, utsMode: 'host' },
    );
    const ns = (of: string, kind: string): string => readlinkSync(`/proc/${of}/ns/${kind}`);
    expect(out).toContain(`shared\n${ns(String(pid), 'pid')}\n${ns(String(pid), 'ipc')}\n${ns('self', 'uts')}\n`);
    await engine.remove(B);
  });

  it('refuses what can’t be', async () => {
    const refused = async (extras: SpecExtras): Promise<string> => {
      try {
        await run('true', [], extras);
        return '';
      } catch (error) {
        return (error as Error).message;
      } finally {
        await engine.remove(A, { volumes: true });
      }
    };
    expect(await refused({ sysctls: { 'vm.swappiness': '1' } })).toContain("it is the whole host's");
    expect(await refused({ groupAdd: ['nobody-knows'] })).toContain('Unable to find group nobody-knows');
    expect(await refused({ devices: [{ hostPath: '/dev/nope', containerPath: '/dev/x', permissions: '' }] })).toContain(
      'no such file or directory',
    );
    expect(await refused({ securityOptions: ['nope'] })).toContain('invalid --security-opt');
    expect(await bench.traces()).toEqual([]);
  });
});
