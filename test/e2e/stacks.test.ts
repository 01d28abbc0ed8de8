/** Where containers go: stack files with groups, dry runs, affinities, wishes, from our client and Docker's. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { debianDockerCli } from '../lab/docker-cli.ts';
import { type LabInstance, nodesSeenBy, startInstance } from '../lab/instance.ts';
import { must, type Outcome, shell, until } from '../lab/shell.ts';

const DIR = '/tmp/crvstk';

let instance: LabInstance;
let dockerCli: string;
/** CPUs that each of the three nodes offers. */
let cpus: number;
beforeAll(async () => {
  dockerCli = await debianDockerCli();
  instance = await startInstance({
    name: 'crvstk',
    hosts: 3,
    dir: DIR,
    subnet: '10.82.3',
    extra: (n) => (n === 1 ? [] : ['--label', `storage=${n === 2 ? 'ssd' : 'disk'}`]),
  });
  mkdirSync(join(DIR, 'home'));
  const [row] = await nodesSeenBy(host(1));
  cpus = (row?.cpus.capacity ?? 0) / 1000;
  await host(1).ok(['pull', instance.image]);
});
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);
const docker = (...args: readonly string[]): Promise<Outcome> =>
  shell([dockerCli, ...args], { env: { DOCKER_HOST: `unix://${host(2).socket}`, HOME: join(DIR, 'home') } });
const dockerOk = (...args: readonly string[]): Promise<string> =>
  must([dockerCli, ...args], { env: { DOCKER_HOST: `unix://${host(2).socket}`, HOME: join(DIR, 'home') } });

/** Runs in the background for long, without a network. */
const run = (n: number, ...words: readonly string[]): Promise<Outcome> =>
  host(n).caravela(['run', '-d', '--network', 'none', ...words, instance.image, 'sleep', '1000']);
async function runOk(n: number, ...words: readonly string[]): Promise<void> {
  const outcome = await run(n, ...words);
  expect([outcome.code, outcome.stderr]).toEqual([0, '']);
}

function stackFile(name: string, text: string): string {
  const file = join(DIR, name);
  writeFileSync(file, text.replaceAll('IMAGE', instance.image));
  return file;
}

/** Node by container name, as one node sees it. */
async function places(asked = 1): Promise<Readonly<Record<string, string>>> {
  const rows = await host(asked).ok(['ps', '-a', '--format', '{{.Names}} {{.Node}}']);
  return Object.fromEntries(rows.split('\n').map((row) => row.split(' ') as [string, string]));
}

/** All are gone, and what they held. */
async function nothingLeft(): Promise<void> {
  for (const n of [1, 2, 3]) expect(await host(n).ok(['ps', '-aq'])).toBe('');
  await until('all room to be free', async () => {
    const rows = await nodesSeenBy(host(1));
    return rows.every((row) => row.cpus.reserved === 0 && row.memory.reserved === 0);
  });
}

async function clear(): Promise<void> {
  const ids = (await host(1).ok(['ps', '-aq'])).split('\n').filter((id) => id !== '');
  if (ids.length > 0) await host(1).ok(['rm', '-f', ...ids]);
  await nothingLeft();
}

describe('a stack file', () => {
  const part = (name: string, more: string): string => `${name}: {image: IMAGE, args: sleep 1000, cpus: 0.25, memory: 16, ${more}}\n`;

  test('is run whole: spread, together, and in two groups of one policy, in its order', async () => {
    const names = ['s1', 's2', 's3', 'l1', 'l2', 'r1', 'r2', 'by-itself'];
    const file = stackFile(
      'all.yml',
      [
        ...['s1', 's2', 's3'].map((name) => part(name, 'group_policy: spread')),
        ...['l1', 'l2'].map((name) => part(name, 'group_policy: co-location, group: left')),
        ...['r1', 'r2'].map((name) => part(name, 'group_policy: co-location, group: right')),
        part('by-itself', 'cpu_power: low'),
      ].join(''),
    );
    const outcome = await host(2).caravela(['run', '--network', 'none', '--restart', 'on-failure', '-l', 'of=all', file]);
    expect([outcome.code, outcome.stderr]).toEqual([0, '']);
    const where = await places(3);
    expect(Object.keys(where).toSorted()).toEqual(names.toSorted());
    expect(new Set([where.s1, where.s2, where.s3]).size).toBe(3);
    expect(where.l1).toBe(where.l2);
    expect(where.r1).toBe(where.r2);
    const rows = outcome.stdout
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(/\s+/));
    expect(rows.map(([, name, node]) => [name, node])).toEqual(names.map((name) => [name, where[name]]));

    const started = JSON.parse(await host(1).ok(['inspect', ...names])) as {
      State: { Running: boolean; StartedAt: string };
      HostConfig: { NanoCpus: number; RestartPolicy: { Name: string } };
    }[];
    expect(started.every(({ State }) => State.Running)).toBe(true);
    expect(started.map(({ State }) => State.StartedAt)).toEqual(started.map(({ State }) => State.StartedAt).toSorted());
    expect(started[0]?.HostConfig).toMatchObject({ NanoCpus: 250_000_000, RestartPolicy: { Name: 'on-failure' } });
    expect((await host(3).ok(['ps', '-q', '--filter', 'label=of=all'])).split('\n')).toHaveLength(names.length);

    const again = await host(3).caravela(['run', '--network', 'none', file]);
    expect([again.code, again.stderr]).toEqual([125, expect.stringContaining('"/s1" is already in use')]);
    expect(Object.keys(await places())).toHaveLength(names.length);
    await clear();
  });

  test('that does not fit leaves nothing anywhere, and says why', async () => {
    const small = ['aa', 'bb', 'cc'].map((name) => part(name, 'group_policy: spread')).join('');
    const big = (name: string) => `${name}: {image: IMAGE, cpus: ${cpus * 0.75}, group_policy: co-location}\n`;
    const tooBig = await host(1).caravela(['run', '--network', 'none', stackFile('big.yml', small + big('xx') + big('yy'))]);
    expect(tooBig.code).toBe(125);
    expect(tooBig.stderr).toMatch(/co-location: no node has .* CPUs? .* free: of 3 nodes 3 lack CPU/);
    await nothingLeft();

    const tooMany = await host(2).caravela(['run', '--network', 'none', stackFile('many.yml', small + part('dd', 'group_policy: spread'))]);
    expect(tooMany.code).toBe(125);
    expect(tooMany.stderr).toContain('3 were excluded (has another part of the group)');
    await nothingLeft();
  });

  test('of which one does not start leaves nothing', async () => {
    const file = stackFile('bad.yml', `${part('good', 'group_policy: spread')}bad: {image: IMAGE, args: no-such-program}\n`);
    const outcome = await host(3).caravela(['run', '--network', 'none', file]);
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toMatch(
      /container bad on host\d did not start: .*no-such-program.*all 2 containers of the stack were removed again/s,
    );
    await nothingLeft();
  });

  test('run from three nodes at once is run by one of them, whole', async () => {
    const file = stackFile('race.yml', ['one', 'two', 'three'].map((name) => part(name, 'group_policy: spread')).join(''));
    const outcomes = await Promise.all([1, 2, 3].map((n) => host(n).caravela(['run', '--network', 'none', file])));
    const codes = outcomes.map(({ code }) => code);
    expect(codes.every((code) => code === 0 || code === 125)).toBe(true);
    expect(codes.filter((code) => code === 0).length).toBeLessThan(2);
    for (const { code, stderr } of outcomes) if (code !== 0) expect(stderr).toMatch(/one|two|three/);
    const rows = await host(2).ok(['ps', '-a', '--format', '{{.Names}} {{.State}}']);
    const whole = ['one running', 'three running', 'two running'];
    expect(
      rows
        .split('\n')
        .filter((row) => row !== '')
        .toSorted(),
    ).toEqual(codes.includes(0) ? whole : []);
    await clear();
  });

  test('whose client dies while it is placed leaves nothing', async () => {
    const file = stackFile('gone.yml', ['one', 'two', 'three'].map((name) => part(name, 'group_policy: spread')).join(''));
    const body = JSON.parse(await host(1).ok(['run', '--dry-run', '--format', 'json', file])) as { parts: { Name: string }[] };
    const parts = body.parts.map(({ Name }) => ({ name: Name, body: { Image: instance.image, Cmd: ['sleep', '1000'] } }));
    for (const afterMs of [0.005, 0.01, 0.02, 0.03, 0.06, 0.1]) {
      const url = 'http://x/caravela/v1/stacks';
      const curl = ['curl', '-s', '-m', String(afterMs), '--unix-socket', host(1).socket, '-d', JSON.stringify({ parts }), url];
      const { code } = await shell(curl);
      const ids = async (): Promise<number> => (await host(2).ok(['ps', '-aq'])).split('\n').filter(Boolean).length;
      const nothing = (): Promise<boolean> => until('nothing to be left', async () => (await ids()) === 0, 8_000);
      const gone =
        code !== 0 &&
        (await nothing().then(
          () => true,
          () => false,
        ));
      // A quick machine has placed it before the client dies, or answers just as it does: then all of it is there.
      if (gone) continue;
      expect([0, parts.length]).toContain(await ids());
      await clear();
    }
    await nothingLeft();
  });

  test('has networks, on which its containers find each other, and ports', async () => {
    const file = stackFile(
      'networks.yml',
      `networks:
  back: {ipam: {config: [{subnet: 10.94.0.0/24}]}}
web:
  image: TOOLS
  args: sleep 1000
  networks: [back]
  ports: ["18099:80"]
  group_policy: spread
db:
  name: db-1
  image: TOOLS
  args: sleep 1000
  networks: {back: {aliases: [sql], ipv4_address: 10.94.0.9}}
  group_policy: spread
`.replaceAll('TOOLS', instance.tools),
    );
    await host(1).ok(['run', file]);
    try {
      expect(await host(2).ok(['network', 'inspect', '-f', '{{len .Containers}}', 'back'])).toBe('2');
      expect(await host(3).ok(['port', 'web', '80'])).toContain('0.0.0.0:18099');
      const pid = await host(1).ok(['inspect', '-f', '{{.State.Pid}}', 'web']);
      const node = (await places()).web ?? '';
      const on = instance.lab.hosts.find((each) => each.name === node) ?? host(1);
      for (const word of ['db', 'db-1', 'sql', '10.94.0.9']) {
        const ping = await on.run(['nsenter', '--target', pid, '--net', '--mount', '--', 'ping', '-c', '1', '-W', '2', word]);
        expect(ping.stdout + ping.stderr, word).toContain('10.94.0.9');
      }
    } finally {
      await clear();
      await host(1).ok(['network', 'rm', 'back']);
    }
  });

  test('opens its ports by itself with the host’s network', async () => {
    const file = stackFile(
      'ports.yaml',
      'web:\n  image: IMAGE\n  args: sh -c "while :; do echo hello | nc -l -p 8099; done"\n  ports: ["8099:8099"]\n',
    );
    await host(1).ok(['run', '--network', 'host', file]);
    const node = (await places()).web ?? '';
    const { ip } = instance.lab.hosts.find((each) => each.name === node) ?? host(1);
    expect(await until('its answer', async () => (await host(1).run(['busybox', 'nc', '-w', '1', ip, '8099'])).stdout || false)).toBe(
      'hello\n',
    );
    await clear();
  });

  test('is refused where it is wrong, by line', async () => {
    const file = stackFile('wrong.yml', 'web:\n  image: IMAGE\n  cpu: 1\n');
    const outcome = await host(1).caravela(['run', file]);
    expect([outcome.code, outcome.stderr]).toEqual([
      125,
      expect.stringContaining(`${file}:3: container web: there is no key "cpu"; there are image,`),
    ]);
  });
});

describe('a dry run', () => {
  test('holds nothing, and the run goes where it said', async () => {
    // Three nodes that differ by more than the noise between equals.
    await runOk(1, '--name', 'half', '--cpus', String(cpus / 4), '--constraint', 'node==host2');
    await runOk(1, '--name', 'full', '--cpus', String(cpus / 2), '--constraint', 'node==host1');
    const before = await nodesSeenBy(host(1));
    const words = ['--name', 'next', '--cpus', '0.5', '--memory', '16'];
    const plan = await host(3).ok(['run', '--dry-run', ...words, instance.image]);
    const node = /^next would go to (host\d), policy binpack, and hold 0.5 CPUs and 16MiB\.$/m.exec(plan)?.[1] ?? plan;
    expect(plan).toMatch(new RegExp(`\n${node} +accepted .*\nhost\\d +fits, not preferred .*\nhost\\d +fits, not preferred `));
    expect(await nodesSeenBy(host(1))).toEqual(before);
    expect(Object.keys(await places()).toSorted()).toEqual(['full', 'half']);
    await runOk(3, ...words);
    expect((await places()).next).toBe(node);

    const file = stackFile(
      'dry.yml',
      ['xx', 'yy']
        .map((name) => `${name}: {image: IMAGE, args: sleep 1000, cpus: 0.25, group_policy: co-location, group: pair}\n`)
        .join(''),
    );
    const answer = JSON.parse(await host(1).ok(['run', '--dry-run', '--constraint', `node!=${node}`, '--format', 'json', file])) as {
      parts: { Name: string; Group: string; Node: string; Placement: { considered: { accepted: boolean }[] } }[];
    };
    expect(answer.parts.map(({ Name, Group }) => [Name, Group])).toEqual([
      ['xx', 'pair'],
      ['yy', 'pair'],
    ]);
    expect(answer.parts.every(({ Placement }) => Placement.considered.length === 3)).toBe(true);
    await host(1).ok(['run', '--network', 'none', '--constraint', `node!=${node}`, file]);
    const where = await places();
    expect(answer.parts.map(({ Node }) => Node)).toEqual([where.xx, where.yy]);
    await clear();
  });

  test('of what does not fit ends with 125, the reason and each node’s', async () => {
    const outcome = await host(1).caravela(['run', '--dry-run', '--cpus', '64', instance.image]);
    expect(outcome.code).toBe(125);
    expect(outcome.stderr).toMatch(/no node has 64 CPUs .* free: of 3 nodes 3 lack CPU/);
    for (const n of [1, 2, 3]) expect(outcome.stdout).toMatch(new RegExp(`^host${n} +no: cpu `, 'm'));
    await nothingLeft();
  });
});

describe('affinities', () => {
  test('spread replicas, and bring together', async () => {
    const replica = (n: number) => run(n, '--name', `rep-${n}`, '--cpus', '0.1', '--affinity', 'container!=rep-*');
    for (const n of [1, 2, 3]) expect((await replica(n)).code).toBe(0);
    const where = await places();
    expect(new Set([where['rep-1'], where['rep-2'], where['rep-3']]).size).toBe(3);
    const fourth = await run(1, '--name', 'rep-4', '--affinity', 'container!=rep-*');
    expect([fourth.code, fourth.stderr]).toEqual([125, expect.stringMatching(/of 3 nodes 3 do not meet the affinities .*rep-/)]);

    await runOk(2, '--name', 'beside', '-l', 'tier=front', '--affinity', 'container==rep-2');
    await runOk(3, '--name', 'labelled', '--affinity', 'tier==front');
    await runOk(1, '--name', 'apart', '--affinity', 'label:tier!=fr*', '--affinity', `image==${instance.image}`);
    const now = await places();
    expect([now.beside, now.labelled]).toEqual([where['rep-2'], where['rep-2']]);
    expect(now.apart).not.toBe(where['rep-2']);
    expect(await host(1).ok(['inspect', '--format', '{{json .Caravela.Affinities}}', 'apart'])).toBe(
      JSON.stringify(['tier!=fr*', `image==${instance.image}`]),
    );
    expect(await host(2).ok(['explain', 'labelled'])).toMatch(/no: affinity .*has no container/);
  });

  test('of Docker’s own client are taken out of the environment', async () => {
    const where = await places();
    const words = ['run', '-d', '--network', 'none', '-e', 'A=1', '-e', 'affinity:container==rep-1'];
    await dockerOk(...words, '--name', 'swarm-1', '-e', 'affinity:tier!=~front', instance.image, 'sleep', '1000');
    expect((await places())['swarm-1']).toBe(where['rep-1']);
    const env = JSON.parse(await dockerOk('inspect', '--format', '{{json .Config.Env}}', 'swarm-1')) as string[];
    expect(env).toContain('A=1');
    expect(env.filter((entry) => /affinity|constraint/.test(entry))).toEqual([]);
    const affinities = JSON.parse(await dockerOk('inspect', '--format', '{{json .Caravela.Affinities}}', 'swarm-1')) as string[];
    // Docker's client sends variables in an order of its own.
    expect(affinities.toSorted()).toEqual(['container==rep-1', 'tier!=~front']);

    await dockerOk('run', '-d', '--network', 'none', '--name', 'swarm-2', '-e', 'constraint:storage==ssd', instance.image, 'sleep', '1000');
    const label = 'com.docker.swarm.constraints=["storage==d*"]';
    await dockerOk('run', '-d', '--network', 'none', '--name', 'swarm-3', '--label', label, instance.image, 'sleep', '1000');
    const now = await places();
    expect([now['swarm-2'], now['swarm-3']]).toEqual(['host2', 'host3']);

    const regex = await docker('run', '-d', '-e', 'affinity:container==/rep-[12]/', instance.image);
    expect([regex.code, regex.stderr]).toEqual([125, expect.stringContaining('regular expressions are not taken: write * for any text')]);
    await clear();
  });

  test('that are wishes are given up where they can’t be met, and explain says so', async () => {
    await runOk(1, '--name', 'wish', '--constraint', 'storage==~tape', '--cpus', '0.1');
    expect(await host(3).ok(['explain', 'wish'])).toContain('Given up, as nobody who met it had room: storage==~tape.');
    await runOk(1, '--name', 'met', '--constraint', 'storage==~disk', '--cpus', '0.1');
    expect((await places()).met).toBe('host3');
    expect(await host(2).ok(['explain', 'met'])).not.toContain('Given up');
    const hard = await run(1, '--constraint', 'storage==tape');
    expect([hard.code, hard.stderr]).toEqual([125, expect.stringContaining('3 do not meet the constraints')]);
    await clear();
  });
});

describe('what a node sees', () => {
  test('is told: the offers it holds, the hints it heard', async () => {
    const get = async (path: string): Promise<unknown[]> =>
      JSON.parse(await must(['curl', '-fsS', '--unix-socket', host(1).socket, `http://x/caravela/v1/${path}`])) as unknown[];
    const hints = await until('hints', async () => {
      const rows = await get('hints');
      return rows.length > 0 && rows;
    });
    expect(hints[0]).toMatchObject({ words: expect.stringMatching(/^class low, .* CPUs and .* free$/) as string, shards: 1 });
    expect(await get('offers')).toBeInstanceOf(Array);
  });
});
