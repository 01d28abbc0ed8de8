/** Networks that span hosts, as a user meets them: three hosts, containers by constraint, names, ports, isolation. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LabInstance, startInstance } from '../lab/instance.ts';
import { kernelState } from '../lab/kernel-state.ts';
import { until } from '../lab/shell.ts';

let instance: LabInstance;
beforeAll(async () => {
  instance = await startInstance({ name: 'crvnet', hosts: 3, dir: '/tmp/crvnet', subnet: '10.78.40' });
}, 120_000);
afterAll(async () => {
  await instance?.down();
});
const host = (n: number) => instance.lab.host(n);

/** Starts a container on host `on`, asked for on host 1. */
async function start(
  name: string,
  on: number,
  words: readonly string[] = [],
  command: readonly string[] = ['sleep', '3600'],
): Promise<string> {
  return host(1).ok(['run', '-d', '--name', name, '--constraint', `node==host${on}`, ...words, instance.tools, ...command]);
}

/** Runs a command in a container that runs, by entering its network namespace from outside: `exec` is to come. */
async function inside(n: number, name: string, command: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const pid = await host(n).ok(['inspect', '-f', '{{.State.Pid}}', name]);
  return host(n).run(['nsenter', '--target', pid, '--net', '--mount', '--', ...command]);
}

async function addressOf(name: string, network = 'caravela'): Promise<string> {
  return host(1).ok(['inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name]);
}

const serve = ['sh', '-c', 'mkdir /www; echo "from $(hostname)" >/www/index.html; exec httpd -f -p 80 -h /www'];
const get = (ip: string, port: number) =>
  `exec 3<>/dev/tcp/${ip}/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && timeout 2 tail -n 1 <&3`;
const ask = (n: number, ip: string, port: number) => host(n).run(['bash', '-c', get(ip, port)]);

async function remove(...names: string[]): Promise<void> {
  await host(1).ok(['rm', '-f', ...names]);
}

describe('the default network', () => {
  test('carries containers of different hosts by name, alias, short id and address', async () => {
    const id = await start('web', 2, ['--network-alias', 'www', '--network-alias', 'www.example.org']);
    await start('client', 3);
    try {
      for (const word of ['web', 'www', 'www.example.org', id.slice(0, 12), await addressOf('web')]) {
        const ping = await inside(3, 'client', ['ping', '-c', '1', '-W', '2', word]);
        expect(ping.stdout + ping.stderr, word).toContain(' 0% packet loss');
      }
      const back = await inside(2, 'web', ['getent', 'hosts', await addressOf('client')]);
      expect(back.stdout).toContain('client');
      const unknown = await inside(3, 'client', ['getent', 'hosts', 'nobody']);
      expect(unknown.code).toBe(2);
    } finally {
      await remove('web', 'client');
    }
  });

  test('lets 1,400 bytes through in one piece', async () => {
    await start('far', 2);
    await start('near', 1);
    try {
      const ping = await inside(1, 'near', ['ping', '-c', '2', '-W', '2', '-M', 'do', '-s', '1400', 'far']);
      expect(ping.stdout + ping.stderr).toContain(' 0% packet loss');
    } finally {
      await remove('far', 'near');
    }
  });

  test('has an address for everybody, never twice', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `many${i}`);
    await Promise.all(names.map((name, i) => start(name, (i % 3) + 1, ['--memory', '16m', '--cpus', '0.05'])));
    try {
      const addresses = await Promise.all(names.map((name) => addressOf(name)));
      expect(new Set(addresses).size).toBe(names.length);
      for (const address of addresses) expect(address).toMatch(/^10\.210\./);
    } finally {
      await remove(...names);
    }
  });
});

describe('networks of one’s own', () => {
  test('are made, listed, inspected, joined by several, and removed when nobody is on them', async () => {
    const id = await host(2).ok(['network', 'create', '--subnet', '10.90.0.0/24', '--label', 'a=b', 'back']);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    await until('the network to be known everywhere', async () =>
      (await host(3).ok(['network', 'ls', '--format', '{{.Name}}'])).split('\n').includes('back'),
    );
    await start('db', 3, ['--network', 'back', '--ip', '10.90.0.77']);
    await start('app', 1, ['--network', 'back', '--network', 'caravela']);
    await start('outsider', 2);
    try {
      expect(await addressOf('db', 'back')).toBe('10.90.0.77');
      expect((await inside(1, 'app', ['ping', '-c', '1', '-W', '2', 'db'])).stdout).toContain(' 0% packet loss');
      expect((await inside(1, 'app', ['ping', '-c', '1', '-W', '2', 'outsider'])).stdout).toContain(' 0% packet loss');
      // Another network: neither its names nor its addresses.
      expect((await inside(2, 'outsider', ['getent', 'hosts', 'db'])).code).toBe(2);
      expect((await inside(2, 'outsider', ['ping', '-c', '1', '-W', '1', '10.90.0.77'])).stdout).toContain('100% packet loss');

      const [inspected] = JSON.parse(await host(1).ok(['network', 'inspect', 'back'])) as {
        Id: string;
        IPAM: { Config: { Subnet: string }[] };
        Containers: Record<string, { Name: string; IPv4Address: string }>;
      }[];
      expect(inspected?.IPAM.Config[0]?.Subnet).toBe('10.90.0.0/24');
      const members = Object.values(inspected?.Containers ?? {});
      expect(members.map(({ Name }) => Name).toSorted()).toEqual(['app', 'db']);

      const refused = await host(1).caravela(['network', 'rm', 'back']);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('active endpoints');
      const taken = await host(1).caravela([
        'run',
        '-d',
        '--name',
        'thief',
        '--network',
        'back',
        '--ip',
        '10.90.0.77',
        instance.tools,
        'sleep',
        '9',
      ]);
      expect(taken.code).toBe(125);
      expect(taken.stderr).toContain('10.90.0.77');
      await host(1).ok(['rm', '-f', 'thief']);
    } finally {
      await remove('db', 'app', 'outsider');
    }
    await host(3).ok(['network', 'rm', 'back']);
    await until('the network to be gone everywhere', async () => !(await host(1).ok(['network', 'ls', '-q', '--no-trunc'])).includes(id));
  });

  test('are connected and disconnected while a container runs', async () => {
    await host(1).ok(['network', 'create', 'later']);
    await start('walker', 2, ['-p', '8600:80'], serve);
    await start('stayer', 3, ['--network', 'later']);
    const routes = async () => (await inside(2, 'walker', ['ip', 'route'])).stdout;
    const answers = (n: number) => until(`an answer from host ${n}`, async () => (await ask(3, host(n).ip, 8600)).stdout.includes('from '));
    try {
      await host(1).ok(['network', 'connect', '--alias', 'w', 'later', 'walker']);
      expect((await inside(3, 'stayer', ['ping', '-c', '1', '-W', '2', 'w'])).stdout).toContain(' 0% packet loss');
      // Its way out and its ports lead to the other network when it is taken off the one that had them, on both nodes.
      expect(await routes()).toContain('default via 10.210.0.1 dev eth0');
      await host(1).ok(['network', 'disconnect', 'caravela', 'walker']);
      expect(await routes()).toMatch(/default via [\d.]+ dev eth1/);
      await Promise.all([answers(1), answers(2)]);
      await host(1).ok(['network', 'connect', 'caravela', 'walker']);
      expect(await routes()).toMatch(/default via [\d.]+ dev eth1/);
      await host(3).ok(['network', 'disconnect', 'later', 'walker']);
      expect(await routes()).toContain('default via 10.210.0.1 dev eth0');
      await Promise.all([answers(1), answers(2)]);
      await until('the name to be gone', async () => (await inside(3, 'stayer', ['getent', 'hosts', 'w'])).code === 2);
    } finally {
      await remove('walker', 'stayer');
      await host(1).ok(['network', 'rm', 'later']);
    }
  });

  test('that are removed under a container that stands can be taken off it, and it starts again', async () => {
    await host(1).ok(['network', 'create', 'shortlived']);
    await start('stander', 2, ['--network', 'shortlived']);
    try {
      await host(1).ok(['stop', '-t', '0', 'stander']);
      await host(1).ok(['network', 'rm', 'shortlived']);
      const refused = await host(3).caravela(['start', 'stander']);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringMatching(/network shortlived \([0-9a-f]{12}\) not found: it was removed; disconnect the container from it/),
      ]);
      // Whether or not another has its name by now.
      await host(2).ok(['network', 'create', 'shortlived']);
      await host(3).ok(['network', 'disconnect', 'shortlived', 'stander']);
      await host(3).ok(['network', 'connect', 'caravela', 'stander']);
      await host(3).ok(['start', 'stander']);
      expect(await addressOf('stander')).toMatch(/^10\.210\./);
    } finally {
      await remove('stander');
      await host(1).caravela(['network', 'rm', 'shortlived']);
    }
  });

  test('that are internal reach themselves and nothing else', async () => {
    await host(1).ok(['network', 'create', '--internal', 'closed']);
    await start('in1', 1, ['--network', 'closed']);
    await start('in2', 2, ['--network', 'closed']);
    try {
      expect((await inside(1, 'in1', ['ping', '-c', '1', '-W', '2', 'in2'])).stdout).toContain(' 0% packet loss');
      const out = await inside(1, 'in1', ['ping', '-c', '1', '-W', '1', instance.lab.bridgeIp]);
      expect(out.code).not.toBe(0);
    } finally {
      await remove('in1', 'in2');
      await host(1).ok(['network', 'rm', 'closed']);
    }
  });

  test('are made by their subnet on first use', async () => {
    await start('cidr1', 1, ['--network', '10.91.0.0/24']);
    await start('cidr2', 3, ['--network', '10.91.0.0/24']);
    try {
      expect((await inside(1, 'cidr1', ['ping', '-c', '1', '-W', '2', 'cidr2'])).stdout).toContain(' 0% packet loss');
      expect(await addressOf('cidr2', 'net-10-91-0-0-24')).toMatch(/^10\.91\.0\./);
    } finally {
      await remove('cidr1', 'cidr2');
    }
  });
});

describe('published ports', () => {
  test('of a network of its own are served on the node that was asked, by its loopback too', async () => {
    await start('stall', 2, ['--hostname', 'stall', '--network', '10.92.0.0/24', '-p', '8086:80'], serve);
    try {
      for (const to of [host(1).ip, '127.0.0.1']) {
        const answer = await until(`an answer from ${to}`, async () => {
          const outcome = await ask(1, to, 8086);
          return outcome.stdout !== '' && outcome;
        });
        expect(answer.stdout).toBe('from stall\n');
      }
    } finally {
      await remove('stall');
    }
  });

  test('are served on the node that runs the container and on the one that was asked', async () => {
    await start('shop', 2, ['--hostname', 'shop', '-p', '8080:80', '-p', '80'], serve);
    try {
      const ports = await host(3).ok(['port', 'shop']);
      expect(ports).toContain('80/tcp -> 0.0.0.0:8080');
      expect(await host(1).ok(['ps', '--format', '{{.Ports}}'])).toContain('0.0.0.0:8080->80/tcp');
      // The host that runs it and the one that was asked, from themselves, from each other and from a third.
      for (const [from, to] of [
        [2, host(2).ip],
        [2, '127.0.0.1'],
        [1, host(2).ip],
        [3, host(2).ip],
        [1, host(1).ip],
        [1, '127.0.0.1'],
        [3, host(1).ip],
        [2, host(1).ip],
      ] as const) {
        const answer = await until(`an answer from ${to} to host ${from}`, async () => {
          const outcome = await ask(from, to, 8080);
          return outcome.stdout.includes('from shop') && outcome;
        });
        expect(answer.stdout, `host ${from} to ${to}`).toBe('from shop\n');
      }
      // The container itself, by the host's address.
      const own = await inside(2, 'shop', ['sh', '-c', `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 ${host(2).ip} 8080`]);
      expect(own.stdout).toContain('from shop\n');
      const nobody = await ask(3, host(3).ip, 8080);
      expect(nobody.stdout).toBe('');
    } finally {
      await remove('shop');
    }
    await until('the port to be free on the node that was asked', async () => (await ask(1, host(1).ip, 8080)).code !== 0);
  });

  test('at an address of the asked node are served there, wherever the container runs', async () => {
    await start('bound', 2, ['-p', `${host(1).ip}:8484:80`], serve);
    try {
      expect(await host(3).ok(['port', 'bound'])).toBe(`80/tcp -> ${host(1).ip}:8484`);
      for (const from of [1, 3]) {
        const answer = await until(`an answer to host ${from}`, async () => (await ask(from, host(1).ip, 8484)).stdout);
        expect(answer).toContain('from ');
      }
      expect((await ask(3, host(2).ip, 8484)).stdout).toBe('');
      const nobodys = await host(3).caravela(['run', '-d', '-p', `${host(1).ip}:8485:80`, instance.tools, 'sleep', '9']);
      expect([nobodys.code, nobodys.stderr]).toEqual([
        125,
        expect.stringContaining(
          `caravela: cannot publish port 8485 there: ${host(1).ip} is not an address of this host. Leave the address out, or ask the node that has it.\n`,
        ),
      ]);
    } finally {
      await remove('bound');
    }
  });

  test('of a range are the first that are free, here and where the container goes, and stay its own', async () => {
    const range = async (at: number, name: string, node: string) => {
      await host(at).ok(['run', '-d', '--name', name, '-p', '8700-8702:80', '--constraint', node, instance.tools, ...serve]);
      return host(3).ok(['port', name]);
    };
    try {
      expect(await range(1, 'one', 'node==host2')).toBe('80/tcp -> 0.0.0.0:8700');
      // Asked here it is kept here, and there it is taken by whom nobody asked here.
      expect(await range(1, 'two', 'node==host1')).toBe('80/tcp -> 0.0.0.0:8701');
      expect(await range(3, 'three', 'node==host2')).toBe('80/tcp -> 0.0.0.0:8701');
      expect(await host(2).ok(['inspect', '-f', '{{json .HostConfig.PortBindings}}', 'three'])).toBe(
        '{"80/tcp":[{"HostIp":"","HostPort":"8700-8702"}]}',
      );
      expect(await host(1).ok(['ps', '--filter', 'name=three', '--format', '{{.Ports}}'])).toBe('0.0.0.0:8701->80/tcp');
      const answer = await until('an answer', async () => (await ask(1, host(3).ip, 8701)).stdout);
      expect(answer).toContain('from ');
      expect(await range(1, 'four', 'node==host1')).toBe('80/tcp -> 0.0.0.0:8702');
      const full = await host(1).caravela(['run', '-d', '--name', 'five', '-p', '8700-8702:80', instance.tools, 'sleep', '9']);
      expect([full.code, full.stderr]).toEqual([125, expect.stringContaining('port is already allocated on this node: 0.0.0.0:8702/tcp')]);
      await host(1).ok(['rm', '-f', 'one']);
      // What a removal has given back can be had as soon as it is answered, whoever is asked next.
      for (const at of [1, 2, 3]) {
        await host(at).ok(['run', '-d', '--name', 'again', '-p', '8710:80', '--constraint', 'node==host2', instance.tools, 'sleep', '60']);
        await host(3).ok(['rm', '-f', 'again']);
      }
      await host(1).ok(['restart', '-t', '0', 'two']);
      expect(await host(1).ok(['port', 'two'])).toBe('80/tcp -> 0.0.0.0:8701');
      expect(await range(1, 'five', 'node==host1')).toBe('80/tcp -> 0.0.0.0:8700');
    } finally {
      await host(1).caravela(['rm', '-f', 'one', 'two', 'three', 'four', 'five']);
    }
  });

  test('that are taken send a container elsewhere, or are refused with who has them', async () => {
    await host(1).ok(['run', '-d', '--name', 'first', '-p', '8181:80', '--constraint', 'node==host2', instance.image, 'sleep', '3600']);
    try {
      await host(2).ok(['run', '-d', '--name', 'second', '-p', '8282:80', instance.image, 'sleep', '3600']);
      const nobody = await host(3).caravela([
        'run',
        '-d',
        '--name',
        'third',
        '-p',
        '8181:80',
        '--constraint',
        'node==host2',
        instance.image,
        'sleep',
        '9',
      ]);
      expect(nobody.code).toBe(125);
      expect(nobody.stderr).toContain('8181/tcp');
      await host(3).ok(['run', '-d', '--name', 'fourth', '-p', '8181:80', '--constraint', 'node!=host1', instance.image, 'sleep', '3600']);
      expect(await host(1).ok(['inspect', '-f', '{{.Node.Name}}', 'fourth'])).toBe('host3');
      const asked = await host(1).caravela(['run', '-d', '--name', 'fifth', '-p', '8181:80', instance.image, 'sleep', '9']);
      expect(asked.code).toBe(125);
      expect(asked.stderr).toContain('port is already allocated');
    } finally {
      await host(1).caravela(['rm', '-f', 'first', 'second', 'third', 'fourth', 'fifth']);
    }
  });
});

describe('the kernel', () => {
  test('has nothing of a container once it is gone', async () => {
    const before = await kernelState(host(2));
    await start('gone', 2, ['-p', '8383:80']);
    await remove('gone');
    await until('host2 to be as before', async () => {
      const after = await kernelState(host(2));
      return JSON.stringify([after.links, after.mounts]) === JSON.stringify([before.links, before.mounts]);
    });
  });

  test('gets back what somebody took away', async () => {
    await start('here', 1);
    await start('there', 2);
    try {
      const reaches = async () => (await inside(1, 'here', ['ping', '-c', '1', '-W', '1', 'there'])).code === 0;
      expect(await reaches()).toBe(true);
      const vxlan = async () => (await host(1).run(['ip', '-o', 'link', 'show', 'type', 'vxlan'])).stdout.split(': ')[1] ?? '';
      await host(1).run(['ip', 'link', 'del', await vxlan()]);
      await until('the VXLAN device to be back', async () => (await vxlan()) !== '' && (await reaches()), 5_000);
    } finally {
      await remove('here', 'there');
    }
  });
});

test('a container that is restarted has its name and its ports again', async () => {
  await start('again', 2, ['-p', '8585:80']);
  await start('asker', 3);
  try {
    expect(await host(3).ok(['restart', '-t', '0', 'again'])).toBe('again');
    await until('its name', async () => (await inside(3, 'asker', ['ping', '-c', '1', '-W', '1', 'again'])).code === 0);
    expect(await host(1).ok(['port', 'again'])).toBe('80/tcp -> 0.0.0.0:8585');
    expect(await host(1).ok(['inspect', '-f', '{{len .Caravela.Published}}', 'again'])).toBe('2');
  } finally {
    await remove('again', 'asker');
  }
});

describe('a daemon that dies', () => {
  test('takes no container off its network, and finds all of it again', async () => {
    await start('steady', 2);
    await start('watcher', 3);
    try {
      const address = await addressOf('steady');
      await host(2).killDaemon();
      expect((await inside(3, 'watcher', ['ping', '-c', '2', '-W', '2', address])).stdout).toContain(' 0% packet loss');
      await host(2).startDaemon();
      // Others hear a moment later that it is back.
      expect(await until('it to be found', () => addressOf('steady'))).toBe(address);
      await until(
        'the name to be known again',
        async () => (await inside(3, 'watcher', ['ping', '-c', '1', '-W', '2', 'steady'])).code === 0,
      );
    } finally {
      await remove('steady', 'watcher');
    }
  });
});
