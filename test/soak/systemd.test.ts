/**
 * A node on the platform it is made for: Debian 12, systemd, cgroup v2 alone, in a machine of its own
 * under emulation. Set up, restarted, killed, rebooted, left.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { until } from '../lab/shell.ts';
import { baseImage } from '../vm/base-image.ts';
import { Machine } from '../vm/machine.ts';
import { makeProgramDisk } from '../vm/program-disk.ts';

const BUILD_MS = 20 * 60_000;
// Emulation on a busy machine takes minutes for a reboot.
const STEP_MS = 8 * 60_000;
const CARAVELA = '/opt/caravela/bin/caravela';
/** Ours: Debian's package starts one of its own, as it does on users' machines. */
const ETCD = 'pgrep -f -x "[^ ]*etcd .*caravela.*"';
const LOAD = `${CARAVELA} load --quiet -i /opt/caravela/busybox.tar`;

vi.setConfig({ testTimeout: STEP_MS });

const dir = mkdtempSync(join(tmpdir(), 'caravela-vm-'));
let machine: Machine;
beforeAll(async () => {
  const program = join(dir, 'program.ext4');
  await makeProgramDisk(program);
  machine = new Machine({ base: await baseImage(), program, dir });
  await machine.boot();
}, BUILD_MS);
afterAll(async () => {
  await machine?.end();
  rmSync(dir, { recursive: true, force: true });
});

const caravela = (words: string): Promise<string> => machine.must(`${CARAVELA} ${words}`, 240_000);
const inspect = (template: string, name: string): Promise<string> => caravela(`inspect -f '${template}' ${name}`);
const pidOf = (name: string): Promise<string> => inspect('{{.State.Pid}}', name);
const run = (name: string, options: string, command: string): Promise<string> =>
  caravela(`run -d --name ${name} --network none --memory 64m ${options} busybox:1 ${command}`);

async function daemonAnswers(): Promise<void> {
  await until('the daemon answers', async () => (await machine.run(`${CARAVELA} ps -q`)).code === 0, 90_000);
}

/** What the container's control group says, file by file. */
async function limitsOf(name: string): Promise<string[]> {
  const group = `/sys/fs/cgroup/$(cut -d: -f3 /proc/${await pidOf(name)}/cgroup)`;
  const files = ['cpu.max', 'memory.max', 'memory.swap.max', 'pids.max'].map((file) => `${group}/${file}`);
  return (await machine.must(`cat ${files.join(' ')}`)).split('\n');
}

test('the machine is what users have', async () => {
  expect(await machine.must('stat -f -c %T /sys/fs/cgroup; findmnt -n -o OPTIONS /run; uname -r')).toMatch(
    /^cgroup2fs\n.*noexec.*\n6\.1\./,
  );
});

test('create makes a unit, enabled and running, and containers run under crun', async () => {
  expect(await caravela('create')).toContain('caravela join 10.0.2.15 --token');
  expect(await machine.must('systemctl is-enabled caravela; systemctl is-active caravela')).toBe('enabled\nactive');
  expect(await caravela('info')).toMatch(/Cgroup Version: 2\nDefault Runtime: crun/);
  await machine.must(LOAD, 120_000);
});

test('limits reach the kernel', async () => {
  await run('limited', '--cpus 0.5 --pids-limit 100', 'sleep 100000');
  expect(await limitsOf('limited')).toEqual(['50000 100000', '67108864', '67108864', '100']);
});

test('a foreground run gives output and exit code; out of memory is told', async () => {
  expect(await machine.run(`${CARAVELA} run --rm --network none busybox:1 sh -c 'echo hello; exit 7'`)).toEqual({
    code: 7,
    output: 'hello',
  });
  const killed = await machine.run(`${CARAVELA} run --name hungry --network none --memory 16m busybox:1 tail /dev/zero`);
  expect(killed.code).toBe(137);
  expect(await inspect('{{.State.OOMKilled}} {{.State.ExitCode}}', 'hungry')).toBe('true 137');
});

test('networks are there with what the kernel of users has: names, published ports, an address outside', async () => {
  await caravela('run -d --name web -p 8080:80 busybox:1 sh -c "echo answer >/tmp/index.html; exec httpd -f -p 80 -h /tmp"');
  expect(await caravela('run --rm busybox:1 wget -q -O - http://web/')).toBe('answer');
  for (const address of ['127.0.0.1', '10.0.2.15'])
    expect(await machine.must(`busybox wget -q -O - http://${address}:8080/`)).toBe('answer');
  expect(await machine.must('ip -o -d link show type vxlan')).toContain('dstport 4789');
  expect(await caravela('agreement status')).toMatch(/\bleader\b/);
});

test('containers live through restart, stop, and the death of the daemon', async () => {
  const pid = await pidOf('limited');
  await machine.must('systemctl restart caravela');
  await daemonAnswers();
  expect(await pidOf('limited')).toBe(pid);

  await machine.must('systemctl stop caravela');
  expect(await machine.must(`cat /proc/${pid}/comm; systemctl is-failed caravela || true`)).toBe('sleep\ninactive');
  await machine.must('systemctl start caravela');
  await daemonAnswers();
  expect(await pidOf('limited')).toBe(pid);

  await machine.must('kill -9 $(systemctl show -P MainPID caravela)');
  await until('systemd starts it again', async () => (await machine.must('systemctl show -P NRestarts caravela')) === '1', 30_000);
  await daemonAnswers();
  expect(await pidOf('limited')).toBe(pid);
  expect((await limitsOf('limited'))[0]).toBe('50000 100000');
  // One etcd, a new one: it ends with the daemon.
  expect((await machine.must(ETCD)).split('\n')).toHaveLength(1);
  expect(await machine.must('busybox wget -q -O - http://127.0.0.1:8080/')).toBe('answer');
  await until('there is agreement again', async () => (await machine.run(`${CARAVELA} network create after`)).code === 0, 60_000);
  await caravela('rm -f web');
});

test('a reboot ends containers in order and brings back what shall run', async () => {
  await run('always', '--restart always', 'sleep 100000');
  await run('orderly', '--restart unless-stopped', `sh -c 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 1; done'`);
  await run('stopped', '--restart unless-stopped', 'sleep 100000');
  await caravela('stop -t 0 stopped');
  await machine.reboot();
  // systemd's last resort: for processes that it found still there, 90 s after it asked them to end.
  expect(machine.console()).toContain('Sending SIGTERM to remaining processes');
  expect(machine.console()).not.toContain('Sending SIGKILL to PID');
  await daemonAnswers();
  await until('they run again', async () => (await caravela('ps --format {{.Names}}')).split('\n').length === 2, 60_000);
  expect((await caravela('ps --format {{.Names}}')).split('\n').toSorted()).toEqual(['always', 'orderly']);
  expect(await caravela('logs orderly')).toBe('up\nbye\nup');
  // It ignores SIGTERM, as first processes do that have no handler.
  expect(await inspect('{{.State.Status}} {{.State.ExitCode}}', 'limited')).toBe('exited 137');
  expect(await inspect('{{.State.Status}}', 'stopped')).toBe('exited');
  expect(await caravela('images --format {{.Repository}}')).toBe('busybox');
});

test('leave --force leaves nothing', async () => {
  expect((await machine.run(`${CARAVELA} leave`)).output).toContain('leave with --force');
  await caravela('leave --force');
  await leftNothing();
});

test('the configuration may ask for runc', async () => {
  await machine.must(`printf '[engine]\\nruntime = "runc"\\n' >/etc/caravela.toml`);
  await caravela('create --config /etc/caravela.toml');
  await machine.must(LOAD, 120_000);
  await run('under-runc', '--cpus 0.5', 'sleep 100000');
  expect(await inspect('{{.HostConfig.Runtime}}', 'under-runc')).toBe('runc');
  expect((await limitsOf('under-runc')).slice(0, 3)).toEqual(['50000 100000', '67108864', '67108864']);
  await caravela('leave --force');
  await leftNothing();
});

async function leftNothing(): Promise<void> {
  const left = [
    'ls -A /var/lib/caravela /run/caravela | grep -v :',
    'systemctl list-units --all --plain --no-legend "*caravela*" | grep -v -F opt-caravela.mount',
    'ls /etc/systemd/system/*caravela* /etc/systemd/system/*/*caravela*',
    'find /sys/fs/cgroup -name "*caravela*" | grep -v -F opt-caravela.mount',
    'findmnt -n -l -o TARGET | grep caravela | grep -v -x /opt/caravela',
    // Whole names: the kernel has workers called inode_switch_wbs.
    'pgrep -l -x "conmon|crun|runc.*|node|MainThread"',
    ETCD,
    'nft list tables',
    'ip route show table all proto 202; ip neigh show nud permanent',
    'ip -o link | grep -v -E " (lo|eth0):"',
    'systemctl --failed --plain --no-legend',
  ];
  expect(await machine.must(`(${left.join('; ')}) 2>/dev/null || true`)).toBe('');
}
