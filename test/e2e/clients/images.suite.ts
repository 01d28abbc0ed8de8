import { join } from 'node:path';
import { expect, test } from 'vitest';
import { must } from '../../lab/shell.ts';
import type { DockerCli } from './docker-cli.ts';
import type { World } from './world.ts';

/** Images: from registries and archives, and to them. */
export function imagesSuite(world: () => World, docker: () => DockerCli): void {
  test('pull, tag, push, rmi and pull again', async () => {
    const { image, registry } = world();
    const pulled = await docker().ok('pull', image);
    expect(pulled).toMatch(/^1: Pulling from busybox\n/);
    expect(pulled).toMatch(
      /\nDigest: sha256:[0-9a-f]{64}\nStatus: (Downloaded newer image for|Image is up to date for) \S+busybox:1\n\S+busybox:1$/,
    );
    const other = `${registry}/mine/copy:2`;
    expect(await docker().ok('tag', image, other)).toBe('');
    const pushed = await docker().ok('push', other);
    expect(pushed).toMatch(/^The push refers to repository \[\S+mine\/copy\]\n/);
    const digest = /\n2: digest: (sha256:[0-9a-f]{64}) size: \d+$/.exec(pushed)?.[1];
    expect(digest).toBeDefined();
    expect(await docker().ok('push', other)).toContain('Layer already exists');
    expect(await docker().ok('images', '--format', '{{.Repository}}:{{.Tag}}', `${registry}/mine/copy`)).toBe(other);
    expect(await docker().ok('rmi', other)).toContain(`Untagged: ${other}`);
    expect(await docker().refused('rmi', other)).toEqual([1, expect.stringContaining(`No such image: ${other}`)]);
    expect(await docker().ok('pull', '-q', other)).toBe(other);
    expect(await docker().ok('pull', `${registry}/mine/copy@${digest}`)).toContain(`Digest: ${digest}`);
    expect(await docker().ok('images', '--digests', '--format', '{{.Digest}}', `${registry}/mine/copy`)).toContain(digest);
    expect(await docker().ok('run', '--rm', other, 'echo', 'from the copy')).toBe('from the copy');
    expect(await docker().ok('rmi', '-f', other)).toContain('Untagged: ');
    expect(await docker().refused('push', `${registry}/never/tagged:1`)).toEqual([1, expect.stringContaining('does not exist locally')]);
    const deaf = '127.0.0.1:9/deaf:1';
    await docker().ok('tag', image, deaf);
    const refused = await docker().run(['push', deaf]);
    // In the stream of an answer that had begun: Docker's client says of another that it is the daemon's.
    expect([refused.code, refused.stdout.split('\n')[0], refused.stderr]).toEqual([
      1,
      'The push refers to repository [127.0.0.1:9/deaf]',
      expect.stringMatching(/^(?!Error response from daemon).*connection refused/),
    ]);
    await docker().ok('rmi', deaf);
    expect(await docker().refused('pull', `${registry}/nothing:9`)).toEqual([
      1,
      expect.stringContaining(`manifest for ${registry}/nothing:9 not found`),
    ]);
    expect((await docker().refused('tag', 'nothing:1', 'any:1'))[0]).toBe(1);
  });

  test('images and their filters, inspect, history', async () => {
    const { image, registry } = world();
    await docker().ok('pull', '-q', image);
    await docker().ok('tag', image, 'short:1');
    const names = async (...words: readonly string[]) =>
      (await docker().ok('images', '--format', '{{.Repository}}:{{.Tag}}', ...words)).split('\n').toSorted();
    expect(await names('--filter', 'reference=short*')).toEqual(['short:1']);
    expect(await names('--filter', 'dangling=true')).toEqual(['']);
    expect(await names('short')).toEqual(['short:1']);
    expect(await names()).toEqual(expect.arrayContaining([image, 'short:1']));
    const id = await docker().ok('images', '-q', '--no-trunc', 'short:1');
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    const format = '{{.Id}} {{.Os}} {{json .Config.Cmd}} {{.RootFS.Type}} {{len .RootFS.Layers}}';
    expect(await docker().ok('image', 'inspect', '--format', format, id.slice(7, 19))).toBe(`${id} linux ["sh"] layers 1`);
    const tags = JSON.parse(await docker().ok('image', 'inspect', '--format', '{{json .RepoTags}}', 'short:1')) as readonly string[];
    expect(tags).toEqual(expect.arrayContaining([image, 'short:1']));
    expect(await docker().ok('image', 'inspect', '--format', '{{index .RepoDigests 0}}', image)).toMatch(
      new RegExp(`^${registry}/busybox@sha256:[0-9a-f]{64}$`),
    );
    expect(await docker().ok('history', '--no-trunc', '--format', '{{.CreatedBy}}', 'short:1')).toBe('make-image');
    await docker().ok('create', '--name', 'user', 'short:1');
    expect(await docker().refused('rmi', id)).toEqual([1, expect.stringMatching(/conflict: unable to (delete|remove)/)]);
    await docker().ok('rm', 'user');
    expect(await docker().ok('rmi', 'short:1')).toBe('Untagged: short:1');
  });

  test('ps shows the id of an image whose name is another one’s by now', async () => {
    const { image, registry } = world();
    const name = `${registry}/moved:1`;
    const [, copy] = [await docker().ok('tag', image, name), `${registry}/moved:2`];
    await docker().ok('run', '-d', '--name', 'old', name, 'sleep', '3600');
    const old = await docker().ok('inspect', '--format', '{{.Image}}', 'old');
    const shown = (...words: readonly string[]) => docker().ok('ps', '-a', '--filter', 'name=old', '--format', '{{.Image}}', ...words);
    expect(await shown()).toBe(name);
    // By a commit, by a tag back, and by nothing at all.
    const made = await docker().ok('commit', 'old', name);
    expect(made).not.toBe(old);
    expect([await shown(), await shown('--no-trunc')]).toEqual([old.slice('sha256:'.length, 19), old]);
    expect(await docker().ok('inspect', '--format', '{{.Config.Image}} {{.Image}}', 'old')).toBe(`${name} ${old}`);
    await docker().ok('tag', image, name);
    expect(await shown()).toBe(name);
    // By a load, and by a pull.
    await docker().ok('tag', made, copy);
    await docker().ok('push', copy);
    await docker().ok('tag', made, name);
    await docker().ok('push', name);
    const archive = join(world().dir, 'moved.tar');
    await docker().ok('save', '-o', archive, name);
    for (const bring of [
      ['load', '-q', '-i', archive],
      ['pull', '-q', name],
    ] as const) {
      await docker().ok('tag', image, name);
      expect(await shown()).toBe(name);
      await docker().ok(...bring);
      expect(await shown('--no-trunc')).toBe(old);
    }
    await docker().ok('rmi', '-f', name);
    expect(await shown('--no-trunc')).toBe(old);
    await docker().ok('rm', '-f', 'old');
    await docker().ok('rmi', copy);
  });

  test('save and load', async () => {
    const { image, dir } = world();
    await docker().ok('pull', '-q', image);
    await docker().ok('tag', image, 'saved:1');
    const archive = join(dir, 'saved.tar');
    await docker().ok('save', '-o', archive, 'saved:1');
    expect(await must(['tar', '-xOf', archive, 'manifest.json'])).toContain('"saved:1"');
    const id = await docker().ok('images', '-q', '--no-trunc', 'saved:1');
    await docker().ok('rmi', 'saved:1');
    expect(await docker().ok('load', '-i', archive)).toContain('Loaded image: saved:1');
    expect(await docker().ok('images', '-q', '--no-trunc', 'saved:1')).toBe(id);
    expect(await docker().ok('run', '--rm', 'saved:1', 'echo', 'loaded')).toBe('loaded');
    expect(await docker().ok('rmi', 'saved:1')).toContain('Untagged: saved:1');
    const broken = await docker().run(['load'], { input: 'this is no archive' });
    expect(broken.code).toBe(1);
  });

  test('prune and system df', async () => {
    const { image } = world();
    await docker().ok('run', '--name', 'base', image, 'sh', '-c', 'head -c 100000 /dev/urandom > /f');
    const nameless = await docker().ok('commit', 'base');
    expect(await docker().ok('images', '-q', '--no-trunc', '--filter', 'dangling=true')).toBe(nameless);
    const rows = (await docker().ok('system', 'df', '--format', '{{.Type}}: {{.TotalCount}} {{.Active}}')).split('\n');
    expect(rows.slice(0, 3)).toEqual([expect.stringMatching(/^Images: \d+ 1$/), 'Containers: 1 0', 'Local Volumes: 0 0']);
    expect(await docker().ok('system', 'df', '-v')).toContain('base');
    const pruned = await docker().ok('image', 'prune', '-f');
    expect(pruned).toContain(`deleted: ${nameless}`);
    expect(pruned).toMatch(/Total reclaimed space: 1\d\d(\.\d+)?kB$/);
    expect(await docker().ok('images', '-q', '--filter', 'dangling=true')).toBe('');
    expect(await docker().ok('images', '-q', image)).not.toBe('');
  });
}
