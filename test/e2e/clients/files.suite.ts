import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { must } from '../../lab/shell.ts';
import type { DockerCli } from './docker-cli.ts';
import type { World } from './world.ts';

/** Files of containers, and volumes. */
export function filesSuite(world: () => World, docker: () => DockerCli): void {
  const fresh = (name: string): string => {
    const dir = join(world().dir, name);
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir);
    return dir;
  };

  test('cp both ways, of containers that run and that do not', async () => {
    const { image } = world();
    const dir = fresh('cp');
    writeFileSync(join(dir, 'one'), 'first', { mode: 0o640 });
    mkdirSync(join(dir, 'tree', 'deep'), { recursive: true });
    writeFileSync(join(dir, 'tree', 'deep', 'two'), 'second');
    symlinkSync('deep/two', join(dir, 'tree', 'link'));
    await docker().ok('create', '--name', 'still', image, 'sh', '-c', 'cat /tmp/one /srv/deep/two; stat -c %a /tmp/one');
    await docker().ok('cp', join(dir, 'one'), 'still:/tmp');
    await docker().ok('cp', join(dir, 'tree'), 'still:/srv');
    expect(await docker().ok('start', '-a', 'still')).toBe('firstsecond640');

    await docker().ok('run', '-d', '--name', 'live', '--tmpfs', '/scratch', image, 'sleep', '1000');
    await docker().ok('cp', `${join(dir, 'tree')}/.`, 'live:/home');
    expect(await docker().ok('exec', 'live', 'cat', '/home/link')).toBe('second');
    await docker().ok('exec', 'live', 'sh', '-c', 'mkdir -p /out/d; echo made > /out/d/f; ln -s f /out/d/l; echo on tmpfs > /scratch/f');
    await docker().ok('cp', 'live:/out/d', join(dir, 'back'));
    expect([readFileSync(join(dir, 'back', 'f'), 'utf8'), readlinkSync(join(dir, 'back', 'l'))]).toEqual(['made\n', 'f']);
    await docker().ok('cp', 'live:/out/d/l', join(dir, 'link'));
    expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true);
    await docker().ok('cp', '-L', 'live:/out/d/l', join(dir, 'followed'));
    expect(readFileSync(join(dir, 'followed'), 'utf8')).toBe('made\n');

    const tar = await docker().run(['cp', 'live:/out', '-']);
    expect([tar.code, tar.stdout.includes('out/d/f')]).toEqual([0, true]);
    const packed = await must(['tar', '-C', dir, '-cf', join(dir, 'in.tar'), 'one']).then(() => readFileSync(join(dir, 'in.tar')));
    expect((await docker().run(['cp', '-', 'live:/root'], { input: packed })).code).toBe(0);
    expect(await docker().ok('exec', 'live', 'cat', '/root/one')).toBe('first');

    expect(await docker().refused('cp', 'live:/no/such', dir)).toEqual([1, expect.stringMatching(/[Nn]o such|Could not find the file/)]);
    expect((await docker().refused('cp', join(dir, 'one'), 'live:/no/such/dir/'))[0]).toBe(1);
    expect((await docker().refused('cp', join(dir, 'one'), 'nobody:/tmp'))[0]).toBe(1);
  });

  test('what others are to put files into is there before the first start', async () => {
    const { image } = world();
    const dir = fresh('early');
    writeFileSync(join(dir, 'one'), 'put\n');
    const look = 'pwd; cat one; stat -c "%u:%g %a" /srv /srv/deep; head -n 1 /etc/hosts | cut -f 1';
    await docker().ok('create', '--name', 'early', '-u', '1000', '-w', '/srv/deep', image, 'sh', '-c', look);
    const changes = async () => (await docker().ok('diff', 'early')).split('\n').toSorted();
    expect(await changes()).toEqual(['A /srv', 'A /srv/deep']);
    await docker().ok('cp', join(dir, 'one'), 'early:/srv/deep/');
    await docker().ok('cp', 'early:/etc/.', join(dir, 'etc'));
    for (const name of ['hosts', 'hostname', 'resolv.conf']) expect(readFileSync(join(dir, 'etc', name), 'utf8')).toBe('');
    expect(await docker().ok('start', '-a', 'early')).toBe('/srv/deep\nput\n0:0 755\n0:0 755\n127.0.0.1');
    expect(await changes()).toEqual(['A /srv', 'A /srv/deep', 'A /srv/deep/one']);

    // In a directory of the image, which stays as it is; and where there is a file.
    await docker().ok('create', '--name', 'within', '-w', '/tmp/a', image, 'stat', '-c', '%a', '/tmp');
    expect((await docker().ok('diff', 'within')).split('\n').toSorted()).toEqual(['A /tmp/a', 'C /tmp']);
    expect(await docker().ok('start', '-a', 'within')).toBe('1777');
    await docker().ok('create', '--name', 'plain', image, 'true');
    expect(await docker().ok('diff', 'plain')).toBe('');
    expect(await docker().refused('create', '-w', '/etc/passwd', image)).toEqual([
      1,
      expect.stringContaining('Cannot mkdir: /etc/passwd is not a directory'),
    ]);
  });

  test('diff, export and import, commit', async () => {
    const { image } = world();
    const dir = fresh('export');
    // Of a size that neither fits a tar's small pieces nor fills a big one.
    const big = 'head -c 215000 /dev/zero > /etc/big';
    const change = `echo new > /etc/added; rm /etc/group; mkdir /srv; echo x >> /etc/passwd; ${big}`;
    await docker().ok('run', '--name', 'changed', image, 'sh', '-c', change);
    const lines = (await docker().ok('diff', 'changed')).split('\n');
    expect(lines.toSorted()).toEqual(['A /etc/added', 'A /etc/big', 'A /srv', 'C /etc', 'C /etc/passwd', 'D /etc/group'].toSorted());

    await docker().ok('export', '-o', join(dir, 'all.tar'), 'changed');
    const names = (await must(['tar', '-tf', join(dir, 'all.tar')])).split('\n');
    expect(names).toEqual(expect.arrayContaining(['etc/added', 'bin/busybox']));
    expect(names).not.toContain('etc/group');
    const imported = await docker().ok('import', '-c', 'CMD ["cat", "/etc/added"]', '-m', 'from a tar', join(dir, 'all.tar'), 'imported:1');
    expect(imported).toMatch(/^sha256:[0-9a-f]{64}$/m);
    expect(await docker().ok('run', '--rm', 'imported:1')).toBe('new');
    expect(await docker().ok('run', '--rm', 'imported:1', 'sh', '-c', 'wc -c < /etc/big')).toBe('215000');

    // The name is another image's until then, on the asked node.
    await docker().ok('pull', '-q', image);
    await docker().ok('tag', image, 'committed:2');
    const words = ['-a', 'me', '-m', 'a change', '-c', 'ENV X=y', '-c', 'ENV Y=$X', '-c', 'CMD ["sh", "-c", "cat /etc/added; echo $Y"]'];
    const committed = await docker().ok('commit', ...words, 'changed', 'committed:2');
    expect(committed).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await docker().ok('run', '--rm', 'committed:2')).toBe('new\ny');
    expect(await docker().ok('run', '--rm', 'committed:2', 'ls', '/etc')).not.toContain('group');
    const env = JSON.parse(await docker().ok('image', 'inspect', '--format', '{{json .Config.Env}}', 'committed:2')) as readonly string[];
    expect(env.filter((entry) => !entry.startsWith('PATH='))).toEqual(['X=y', 'Y=y']);
    expect(await docker().ok('run', '--rm', 'committed:2', 'sh', '-c', 'wc -c < /etc/big')).toBe('215000');
    expect((await docker().ok('history', '--format', '{{.Comment}}', 'committed:2')).split('\n')[0]).toBe('a change');
    expect(await docker().ok('image', 'inspect', '--format', '{{.Author}} {{len .RootFS.Layers}}', 'committed:2')).toBe('me 2');
    await docker().ok('rm', 'changed');
    await docker().ok('rmi', 'committed:2', 'imported:1');
  });

  test('volumes: named, nameless, used by several, removed when nobody does', async () => {
    const { image } = world();
    expect(await docker().ok('volume', 'create', '--label', 'a=b', 'data')).toBe('data');
    expect(await docker().ok('volume', 'create', 'data')).toBe('data');
    expect(await docker().ok('volume', 'ls', '-q', '--filter', 'label=a=b')).toBe('data');
    expect(await docker().ok('volume', 'inspect', '--format', '{{.Name}} {{.Driver}} {{.Scope}} {{.Labels.a}}', 'data')).toBe(
      'data local local b',
    );
    // A volume is on one node, and what uses it goes there: from here on nobody says where.
    const run = (...words: readonly string[]) => docker().ok('container', 'run', '--network', 'none', ...words);
    await run('--rm', '-v', 'data:/data', image, 'sh', '-c', 'echo kept > /data/f');
    const reader = await run('-d', '--name', 'reader', '-v', 'data:/data:ro', '-v', '/var/nameless', image, 'sleep', '1000');
    expect(await docker().ok('exec', 'reader', 'cat', '/data/f')).toBe('kept');
    expect((await docker().run(['exec', 'reader', 'touch', '/data/g'])).code).toBe(1);
    const mounts = '{{range .Mounts}}{{.Type}} {{.Destination}} {{.RW}};{{end}}';
    expect((await docker().ok('inspect', '--format', mounts, 'reader')).split(';').toSorted().join(';')).toBe(
      ';volume /data false;volume /var/nameless true',
    );
    expect(await docker().ok('ps', '-q', '--no-trunc', '--filter', 'volume=data')).toBe(reader);
    expect(await docker().refused('volume', 'rm', 'data')).toEqual([1, expect.stringContaining('volume is in use')]);
    expect((await docker().ok('volume', 'ls', '-q')).split('\n')).toHaveLength(2);
    await docker().ok('rm', '-fv', 'reader');
    expect(await docker().ok('volume', 'ls', '-q')).toBe('data');
    expect(await run('--rm', '--mount', 'type=volume,src=data,dst=/d', image, 'cat', '/d/f')).toBe('kept');
    expect(await docker().ok('volume', 'rm', 'data')).toBe('data');
    expect(await docker().refused('volume', 'rm', 'data')).toEqual([1, expect.stringMatching(/no such volume/i)]);
    expect(await docker().refused('volume', 'inspect', 'data')).toEqual([
      1,
      expect.stringMatching(/[Nn]o such volume: data|get data: no such volume/),
    ]);
    expect(await run('--rm', '--volume-driver', 'unknown', image, 'echo', 'has no volumes')).toBe('has no volumes');
    expect((await docker().run(['create', '--volume-driver', 'unknown', '-v', 'data:/data', image])).code).toBe(1);
    await run('--rm', '-v', '/gone', image, 'touch', '/gone/f');
    expect(await docker().ok('volume', 'ls', '-q')).toBe('');
    await run('--name', 'left', '-v', '/left', image, 'touch', '/left/f');
    await docker().ok('rm', 'left');
    expect(await docker().ok('volume', 'prune', '-f')).toMatch(/^Deleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 0B$/);
  });

  test('directories of the host, and memory', async () => {
    const { image } = world();
    const dir = fresh('bound');
    writeFileSync(join(dir, 'in'), 'from the host');
    const run = (...words: readonly string[]) => docker().ok('container', 'run', '--rm', '--network', 'none', ...words);
    const copied = 'cat /mnt/in; echo from the container > /mnt/out';
    expect(await run('-v', `${dir}:/mnt`, image, 'sh', '-c', copied)).toBe('from the host');
    expect(readFileSync(join(dir, 'out'), 'utf8')).toBe('from the container\n');
    const readonly = await docker().run([
      'container',
      'run',
      '--rm',
      '--network',
      'none',
      '-v',
      `${dir}:/mnt:ro`,
      image,
      'touch',
      '/mnt/x',
    ]);
    expect([readonly.code, readonly.stderr]).toEqual([1, expect.stringContaining('Read-only file system')]);
    await run('-v', `${dir}/new/one:/mnt`, image, 'true');
    expect(existsSync(join(dir, 'new', 'one'))).toBe(true);
    const missing = ['--mount', `type=bind,src=${dir}/none,dst=/mnt`, image, 'true'];
    const refused = await docker().run(['container', 'run', '--rm', '--network', 'none', ...missing]);
    expect([refused.code, refused.stderr]).toEqual([125, expect.stringContaining('bind source path does not exist')]);
    expect(await run('--tmpfs', '/scratch:size=1m', image, 'sh', '-c', 'df -k /scratch | tail -1')).toMatch(/^tmpfs +1024 /);
  });
}
