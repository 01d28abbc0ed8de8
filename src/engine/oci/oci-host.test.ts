import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { taskId } from '../../core/model/index.ts';
import { setLinkUp } from '../../linux/link.ts';
import { mountPointsBelow, unmount } from '../../linux/mount.ts';
import { createNetns } from '../../linux/netns.ts';
import { SIGKILL, signalProcess } from '../../linux/process-identity.ts';
import { A, B, logOptions, textOf } from '../contract.test-suite.ts';
import type { ContainerSpec, Exit, LogEntry, TaskPlace } from '../port.ts';
import { containerSpec, ON_HOST } from '../spec.test-suite.ts';
import { EnginePaths } from './engine-paths.ts';
import { LOG_FILE_BYTES } from './log-files.ts';
import { OciBench } from './oci-bench.test-suite.ts';
import type { OciEngine } from './oci-engine.ts';
import type { RunningTask } from './record.ts';

/** What the contract can't ask of every adapter: the kernel's side of a container. */
let bench: OciBench;
let engine: OciEngine;
let paths: EnginePaths;
let exits: Exit[];

async function reopen(): Promise<void> {
  engine = await bench.open();
  engine.onExit((exit) => exits.push(exit));
}
beforeEach(async () => {
  bench = new OciBench({ Env: ['FROM_IMAGE=1'], Cmd: ['env'], User: 'sailor', WorkingDir: '/made/for/it' });
  paths = new EnginePaths(bench.dataDir, bench.runDir);
  exits = [];
  await reopen();
  await engine.recover(() => true);
});
afterEach(async () => {
  await engine.remove(A);
  await engine.remove(B);
  await bench.destroy();
});

async function exitOf(task = taskId(A, 1)): Promise<Exit> {
  for (;;) {
    const exit = exits.find((each) => each.taskId === task);
    if (exit !== undefined) return exit;
    await delay(5);
  }
}
async function run(command: readonly string[], change: Partial<ContainerSpec> = {}, place: Partial<TaskPlace> = {}): Promise<Exit> {
  await engine.create(A, containerSpec({ command, user: '0', ...change }), []);
  await engine.start(A, taskId(A, 1), { ...ON_HOST, ...place });
  return exitOf();
}
async function output(): Promise<string> {
  const entries: LogEntry[] = [];
  for await (const entry of engine.logs(A, logOptions())) entries.push(entry);
  return textOf(entries);
}
const task = (): RunningTask => JSON.parse(readFileSync(paths.container(A).task, 'utf8')) as RunningTask;

describe('a container', () => {
  it('takes user, directory and environment from its image', async () => {
    await run(['sh', '-c', 'id; pwd; echo $FROM_IMAGE $HOME $PATH'], { user: '' });
    expect(await output()).toBe(
      [
        'uid=1001(sailor) gid=1002(crew) groups=1002(crew),1003(deck)',
        '/made/for/it',
        '1 /home/sailor /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n',
      ].join('\n'),
    );
  });

  it('has Docker’s capabilities, more and fewer when asked, none as a user', async () => {
    const script = ['sh', '-c', 'grep -E "Cap(Eff|Bnd)|Seccomp:" /proc/self/status'];
    await run(script);
    expect(await output()).toBe('CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nSeccomp:\t2\n');
    await engine.remove(A);
    exits = [];
    await run(script, { capDrop: ['ALL'], capAdd: ['NET_ADMIN'] });
    expect(await output()).toContain('CapEff:\t0000000000001000\n');
    await engine.remove(A);
    exits = [];
    await run(script, { user: 'sailor' });
    expect(await output()).toContain('CapEff:\t0000000000000000\n');
  });

  it('has its limits in the control group', async () => {
    const show =
      'cat memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us pids/pids.max';
    const showV2 = 'cat memory.max memory.swap.max cpu.max pids.max';
    const v2 = engine.description.cgroupVersion === 2;
    await run(['sh', '-c', `cd /sys/fs/cgroup; ${v2 ? showV2 : show}`], { nanoCpus: 1.5e9, memoryBytes: 64 * 1024 ** 2, pidsLimit: 77 });
    expect(await output()).toBe(v2 ? '67108864\n67108864\n150000 100000\n77\n' : '67108864\n134217728\n150000\n100000\n77\n');
  });

  it('joins the network namespace given, else the host’s', async () => {
    const netns = join(bench.dir, 'netns');
    createNetns(netns, () => setLinkUp('lo'));
    try {
      await run(['ip', 'addr'], {}, { netnsPath: netns });
      expect((await output()).match(/^\d+: /gm)).toHaveLength(1);
      expect(await output()).toContain('127.0.0.1/8');
    } finally {
      unmount(netns);
    }
    await engine.start(A, taskId(A, 2), ON_HOST);
    await exitOf(taskId(A, 2));
    expect((await output()).match(/^\d+: /gm)?.length).toBeGreaterThanOrEqual(2);
  });

  it('finds its name and the outside in /etc', async () => {
    await run(['sh', '-c', 'cat /etc/hostname; grep -c nameserver /etc/resolv.conf; grep ship /etc/hosts'], { hostname: 'ship' });
    expect(await output()).toMatch(/^ship\n[1-9]\d*\n127\.0\.0\.1\tlocalhost ship\n$/);
  });

  it('finds what its network tells it in /etc, also when that changes under it', async () => {
    const script =
      'cat /etc/resolv.conf /etc/hosts; until grep -q 10.0.0.3 /etc/hosts; do sleep 0.02; done; cat /etc/resolv.conf /etc/hosts';
    await engine.create(A, containerSpec({ command: ['sh', '-c', script], user: '0' }), []);
    await engine.start(A, taskId(A, 1), { ...ON_HOST, resolvConf: 'nameserver 10.0.0.1\n', hosts: '10.0.0.2 ship and more names\n' });
    while (!(await output()).includes('ship')) await delay(5);
    await engine.place(A, { resolvConf: undefined, hosts: '10.0.0.3 boat\n' });
    await exitOf();
    expect(await output()).toBe('nameserver 10.0.0.1\n10.0.0.2 ship and more names\nnameserver 10.0.0.1\n10.0.0.3 boat\n');
    await engine.place(A, { resolvConf: '', hosts: '' });
  });

  it('keeps its files from start to start, away from the image', async () => {
    await run(['sh', '-c', 'cat /kept; echo kept > /kept; rm /bin/vi']);
    await engine.start(A, taskId(A, 2), ON_HOST);
    await exitOf(taskId(A, 2));
    expect(await output()).toContain('kept\n');
    expect(existsSync(join(bench.dir, 'layer/bin/vi'))).toBe(true);
    expect(existsSync(join(bench.dir, 'layer/kept'))).toBe(false);
  });

  it('says where on its host its root, its network and its files in /etc are', async () => {
    await engine.create(A, containerSpec({ command: ['sh', '-c', 'echo mine > /written; sleep 1000'], user: '0', hostname: 'named' }), []);
    expect((await engine.details(A)).places).not.toHaveProperty('running');
    await engine.start(A, taskId(A, 1), { ...ON_HOST, hosts: '10.0.0.1 other\n' });
    const { places, maskedPaths, readonlyPaths } = await engine.details(A);
    while (!existsSync(join(places?.mergedDir ?? '', 'written'))) await delay(5);
    expect(readFileSync(join(places?.upperDir ?? '', 'written'), 'utf8')).toBe('mine\n');
    expect(places?.lowerDirs.filter((dir) => !existsSync(join(dir, 'bin/sh')))).toEqual([]);
    expect(statSync(places?.workDir ?? '').isDirectory()).toBe(true);
    expect(readFileSync(places?.running?.hostname ?? '', 'utf8')).toBe('named\n');
    expect(readFileSync(places?.running?.hosts ?? '', 'utf8')).toBe('10.0.0.1 other\n');
    expect(existsSync(places?.running?.resolvConf ?? '')).toBe(true);
    expect([maskedPaths, readonlyPaths]).toEqual([expect.arrayContaining(['/proc/kcore']), expect.arrayContaining(['/proc/sys'])]);
    await engine.stop(A, 'KILL', 0);
  });

  it('can have a read-only root', async () => {
    const exit = await run(['sh', '-c', 'touch /x'], { readonlyRootfs: true });
    expect(exit.exitCode).toBe(1);
    expect(await output()).toContain('Read-only file system');
  });

  it('can have a terminal', async () => {
    await run(['tty'], { tty: true });
    expect(await output()).toBe('/dev/pts/0\r\n');
  });

  it('says when memory ran out', async () => {
    const exit = await run(['sh', '-c', 'head -c 200m /dev/zero | tail'], { memoryBytes: 16 * 1024 ** 2 });
    expect(exit.oomKilled).toBe(true);
    expect(exit.exitCode).not.toBe(0);
  });

  it.each([
    [['/etc/passwd'], 'exec: "/etc/passwd": permission denied'],
    [['/no/such'], 'exec: "/no/such": stat /no/such: no such file or directory'],
    [['nosuch'], 'exec: "nosuch": executable file not found in $PATH'],
  ])('that can’t start says why and leaves nothing: %j', async (command, message) => {
    await engine.create(A, containerSpec({ command, user: '0' }), []);
    await expect(engine.start(A, taskId(A, 1), ON_HOST)).rejects.toThrow(message);
    expect(await bench.traces()).toEqual([]);
    expect(existsSync(paths.container(A).task)).toBe(false);
  });

  it('refuses an unknown user', async () => {
    await engine.create(A, containerSpec({ user: 'pirate' }), []);
    await expect(engine.start(A, taskId(A, 1), ON_HOST)).rejects.toThrow('unable to find user pirate');
    expect(await bench.traces()).toEqual([]);
  });

  it('retains its image until it is removed', async () => {
    await run(['true']);
    expect([...bench.images.retained.keys()]).toEqual([A]);
    await engine.remove(A);
    expect(bench.images.retained.size).toBe(0);
    expect(existsSync(paths.container(A).dir)).toBe(false);
  });

  it('leaves nothing outside its directory when it has ended', async () => {
    await run(['true']);
    await engine.stop(A, '', 0);
    while ((await bench.traces()).length > 0) await delay(10);
    expect(statSync(paths.container(A).upper).isDirectory()).toBe(true);
  });

  it('has its log rotated, and nothing of a follower’s lost', async () => {
    const lines = Math.ceil((1.3 * LOG_FILE_BYTES) / 1_040);
    const text = 'x'.repeat(990);
    await engine.create(A, containerSpec({ user: '0', command: ['sh', '-c', `yes ${text} | head -n ${lines}; sleep 2; echo end`] }), []);
    await engine.start(A, taskId(A, 1), ON_HOST);
    const followed: LogEntry[] = [];
    for await (const entry of engine.logs(A, logOptions({ follow: true }))) followed.push(entry);
    const expected = `${`${text}\n`.repeat(lines)}end\n`;
    expect(textOf(followed).length).toBe(expected.length);
    expect(textOf(followed) === expected).toBe(true);
    expect((await output()) === expected).toBe(true);
    expect(statSync(`${paths.container(A).log}.1`).size).toBeGreaterThan(LOG_FILE_BYTES);
    expect(readFileSync(paths.container(A).log, 'utf8')).toContain(' F end\n');
  });

  it('has as much of its log kept as was asked for', async () => {
    const log = { driver: 'json-file', options: {}, fileBytes: 1_000, files: 2 };
    // A third file would be begun by the third round.
    const script = `for n in 1 2 3 4; do yes $n | head -n 50; sleep 1.2; done; echo end`;
    await run(['sh', '-c', script], { extras: { log } });
    expect(readdirSync(paths.container(A).logDir).sort()).toEqual(['container.log', 'container.log.1']);
    expect((await output()).endsWith(`${'4\n'.repeat(50)}end\n`)).toBe(true);
  });

  it('has none of what it writes kept where that was asked for, and it is seen all the same', async () => {
    await engine.create(A, containerSpec({ command: ['echo', 'seen'], user: '0', extras: { log: { driver: 'none', options: {} } } }), []);
    const attached = await engine.attach(A, { stdin: false, signal: new AbortController().signal });
    await engine.start(A, taskId(A, 1), ON_HOST);
    let seen = '';
    for await (const { data } of attached.output) seen += Buffer.from(data).toString();
    await exitOf();
    expect([seen, await output(), (await engine.details(A)).logPath]).toEqual(['seen\n', '', '']);
    expect(existsSync(paths.container(A).log)).toBe(false);
  });
});

describe('when conmon is killed', () => {
  it('ends the container and says 137', async () => {
    await engine.create(A, containerSpec({ command: ['sleep', '60'] }), []);
    await engine.start(A, taskId(A, 1), ON_HOST);
    signalProcess(task().conmon, SIGKILL);
    expect(await exitOf()).toMatchObject({ exitCode: 137, oomKilled: false });
    expect(bench.warnings).toEqual([expect.stringContaining('conmon of container aaaaaaaaaaaa is gone')]);
    await engine.start(A, taskId(A, 2), ON_HOST);
  });

  it('does so also when that was while we were down', async () => {
    await engine.create(A, containerSpec({ command: ['sleep', '60'] }), []);
    await engine.start(A, taskId(A, 1), ON_HOST);
    await engine.close();
    signalProcess(task().conmon, SIGKILL);
    await reopen();
    expect(await engine.recover(() => true)).toMatchObject([{ state: 'exited', exit: { exitCode: 137, taskId: taskId(A, 1) } }]);
    expect(await bench.traces()).toEqual([]);
    expect(exits).toEqual([]);
  });
});

describe('after a reboot', () => {
  it('what ran has ended, and may start again', async () => {
    await engine.create(A, containerSpec({ command: ['sleep', '60'] }), []);
    await engine.start(A, taskId(A, 1), ON_HOST);
    await engine.create(B, containerSpec({ command: ['true'] }), []);
    await engine.close();
    const { init, conmon } = task();
    // The kernel forgets processes, mounts and groups; a new boot has a new id, and another process our pids.
    signalProcess(init, SIGKILL);
    await delay(50);
    signalProcess(conmon, SIGKILL);
    execFileSync('/usr/sbin/runc', ['--root', join(paths.runtimes, 'runc'), 'delete', '--force', A]);
    for (const point of await mountPointsBelow(bench.dir)) unmount(point);
    rmSync(bench.runDir, { recursive: true });
    writeFileSync(paths.container(A).task, JSON.stringify({ ...task(), bootId: 'another', init: { pid: process.pid, startTime: 1 } }));
    await reopen();
    const found = await engine.recover(() => true);
    expect(found).toContainEqual({
      containerId: A,
      state: 'exited',
      exit: expect.objectContaining({ exitCode: 255, taskId: taskId(A, 1) }),
    });
    expect(found).toContainEqual({ containerId: B, state: 'created' });
    await engine.start(A, taskId(A, 2), ON_HOST);
    expect((await bench.traces()).length).toBeGreaterThan(0);
  });
});

describe('a start cut short', () => {
  it('is adopted when its process ran already', async () => {
    await engine.create(A, containerSpec({ command: ['sleep', '60'] }), []);
    const { pid } = await engine.start(A, taskId(A, 1), ON_HOST);
    await engine.close();
    const { bootId, runtime } = task();
    writeFileSync(paths.container(A).task, JSON.stringify({ phase: 'starting', taskId: taskId(A, 1), bootId, runtime }));
    await reopen();
    expect(await engine.recover(() => true)).toMatchObject([{ state: 'running', pid, taskId: taskId(A, 1) }]);
    await engine.kill(A, 'KILL');
    expect((await exitOf()).exitCode).toBe(137);
  });

  it('is ended when it had not come so far', async () => {
    await engine.create(A, containerSpec({ command: ['true'] }), []);
    await engine.close();
    const starting = {
      phase: 'starting',
      taskId: taskId(A, 1),
      bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      runtime: 'runc',
    };
    writeFileSync(paths.container(A).task, JSON.stringify(starting));
    await reopen();
    expect(await engine.recover(() => true)).toMatchObject([{ state: 'exited', exit: { exitCode: 137 } }]);
  });

  it('of a create leaves a directory without a record, which goes', async () => {
    await engine.create(A, containerSpec(), []);
    await engine.close();
    rmSync(paths.container(A).record);
    await reopen();
    expect(await engine.recover(() => true)).toEqual([]);
    expect(existsSync(paths.container(A).dir)).toBe(false);
  });
});

describe('the engine', () => {
  it('describes itself', () => {
    expect(engine.description).toMatchObject({ seccomp: true });
    expect(engine.description.version).toMatch(/^\d+\.\d+/);
  });

  it('works with crun, too, where the host lets it', () => {
    const script = `
      import { OciBench } from ${JSON.stringify(join(import.meta.dirname, 'oci-bench.test-suite.ts'))};
      import { containerSpec, ON_HOST } from ${JSON.stringify(join(import.meta.dirname, '../spec.test-suite.ts'))};
      const alive = setInterval(() => undefined, 1_000);
      const bench = new OciBench({}, { runc: '/nonexistent' });
      const engine = await bench.open();
      await engine.recover(() => true);
      const id = 'a'.repeat(64);
      try {
        const ended = new Promise((resolve) => engine.onExit(resolve));
        await engine.create(id, containerSpec({ command: ['sh', '-c', 'cd /made; exit 9'], workingDir: '/made/it' }), []);
        await engine.start(id, id + '.1', ON_HOST);
        const { exitCode } = await ended;
        await engine.create('b'.repeat(64), containerSpec({ command: ['nosuch'] }), []);
        const message = await engine.start('b'.repeat(64), 'b', ON_HOST).catch((error) => error.message);
        await engine.create('c'.repeat(64), containerSpec({ command: ['sleep', '60'] }), []);
        await engine.start('c'.repeat(64), 'c', ON_HOST);
        const spec = { env: [], workingDir: '', user: '', privileged: false, tty: false, stdin: false };
        const running = await engine.exec('c'.repeat(64), { ...spec, argv: ['sh', '-c', 'echo out; exit 4'] });
        let text = '';
        for await (const { data } of running.output) text += data.toString();
        const failure = await engine.exec('c'.repeat(64), { ...spec, argv: ['nosuch'] }).catch((error) => error.message);
        await engine.pause('c'.repeat(64));
        console.log(JSON.stringify([engine.description.name, exitCode, message, text, await running.exitCode, failure]));
      } finally {
        clearInterval(alive);
        await engine.remove(id);
        for (const digit of 'bc') await engine.remove(digit.repeat(64));
        await bench.destroy();
      }`;
    // crun refuses a host whose v2 tree beside v1 has controllers: hide that tree from it.
    const hide = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$0" --input-type=module -e "$1"';
    const child = spawnSync('unshare', ['-m', 'sh', '-c', hide, process.execPath, script], { encoding: 'utf8' });
    expect(child.stderr).toBe('');
    const notFound = 'exec: "nosuch": executable file not found in $PATH';
    expect(JSON.parse(child.stdout)).toEqual([
      'crun',
      9,
      `OCI runtime create failed: ${notFound}`,
      'out\n',
      4,
      `OCI runtime exec failed: exec failed: unable to start container process: ${notFound}: unknown`,
    ]);
  });
});
