import { PassThrough, type Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { pack } from 'tar-stream';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { until } from '../../lab/shell.ts';
import type { World } from './world.ts';

/** What programs that use dockerode do. */
export function dockerodeSuite(world: () => World): void {
  let docker: Docker;
  beforeAll(async () => {
    docker = new Docker({ socketPath: world().socket });
    await followed(await docker.pull(world().image));
  });
  afterEach(async () => {
    await world().tidy();
  });

  const create = (options: Partial<Docker.ContainerCreateOptions>) =>
    docker.createContainer({
      Image: world().image,
      ...options,
      Env: [...world().place, ...(options.Env ?? [])],
      HostConfig: { NetworkMode: 'none', ...options.HostConfig },
    });
  async function followed(stream: NodeJS.ReadableStream): Promise<readonly { readonly status?: string }[]> {
    return new Promise((resolve, reject) =>
      docker.modem.followProgress(stream, (error, messages) =>
        error === null ? resolve(messages as { status?: string }[]) : reject(error),
      ),
    );
  }
  /** What came of each of the two, when the stream has ended. */
  async function demuxed(stream: NodeJS.ReadableStream): Promise<readonly [stdout: string, stderr: string]> {
    const [out, err] = [new PassThrough(), new PassThrough()];
    docker.modem.demuxStream(stream, out, err);
    stream.on('end', () => {
      out.end();
      err.end();
    });
    return Promise.all([text(out), text(err)]);
  }

  test('ping, version and info', async () => {
    expect(String(await docker.ping())).toBe('OK');
    expect(Number((await docker.version()).ApiVersion.split('.')[1])).toBeGreaterThanOrEqual(41);
    const info = (await docker.info()) as { readonly OSType: string; readonly Images: number };
    expect([info.OSType, info.Images > 0]).toEqual(['linux', true]);
  });

  test('create, attach, start, wait, inspect, remove', async () => {
    const container = await create({ name: 'life', Cmd: ['sh', '-c', 'echo out; echo err >&2; exit 3'], Labels: { a: 'b' } });
    const stream = await container.attach({ stream: true, stdout: true, stderr: true });
    const output = demuxed(stream);
    await container.start();
    expect(await container.wait()).toMatchObject({ StatusCode: 3 });
    expect(await output).toEqual(['out\n', 'err\n']);
    expect((await container.inspect()).State).toMatchObject({ Status: 'exited', ExitCode: 3, Running: false });
    const listed = await docker.listContainers({ all: true, filters: { label: ['a=b'] } });
    expect(listed.map(({ Id, Names }) => [Id, Names])).toEqual([[container.id, ['/life']]]);
    await container.remove();
    await expect(container.inspect()).rejects.toMatchObject({
      statusCode: 404,
      json: { message: expect.stringContaining('No such container') },
    });
  });

  test('attach with input, by a connection of its own', async () => {
    const container = await create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true });
    const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    const output = demuxed(stream);
    await container.start();
    stream.write('hello\n');
    stream.end();
    expect(await output).toEqual(['hello\n', '']);
    expect(await container.wait()).toMatchObject({ StatusCode: 0 });
  });

  test('attach with input behind a plain request, as is the default', async () => {
    const container = await create({ Cmd: ['sh'], OpenStdin: true });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true });
    const output = demuxed(stream);
    await container.start();
    stream.write('echo "it is $((40 + 2))"; exit 7\n');
    expect(await container.wait()).toMatchObject({ StatusCode: 7 });
    expect(await output).toEqual(['it is 42\n', '']);
  });

  test('exec, with input and with a terminal', async () => {
    const container = await create({ Cmd: ['sleep', '1000'] });
    await container.start();
    const exec = await container.exec({
      Cmd: ['sh', '-c', 'cat; echo err >&2; exit 4'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    const output = demuxed(stream);
    stream.write('in\n');
    stream.end();
    expect(await output).toEqual(['in\n', 'err\n']);
    expect(await exec.inspect()).toMatchObject({ ExitCode: 4, Running: false, ContainerID: container.id });

    const terminal = await container.exec({ Cmd: ['sh'], Tty: true, AttachStdin: true, AttachStdout: true, AttachStderr: true });
    const raw = await terminal.start({ hijack: true, stdin: true, Tty: true });
    await terminal.resize({ h: 31, w: 99 });
    const said = text(raw);
    await until('its size', async () => (await terminal.inspect()).Running);
    raw.write('stty size; exit 2\r');
    expect(await said).toContain('31 99\r\n');
    expect((await terminal.inspect()).ExitCode).toBe(2);
  });

  test('logs, whole and as they come', async () => {
    const container = await create({ Cmd: ['sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.2; done'] });
    await container.start();
    const coming = await container.logs({ follow: true, stdout: true, stderr: true });
    expect(await demuxed(coming)).toEqual(['1\n2\n3\n', '']);
    const all = await container.logs({ follow: false, stdout: true, stderr: true, tail: 2 });
    expect(all.toString('latin1')).toContain('3\n');
    expect(all.length).toBe(2 * (8 + 2));
  });

  test('stats and top', async () => {
    const container = await create({
      Cmd: ['sh', '-c', 'while :; do :; done'],
      HostConfig: { Memory: 64 * 1024 * 1024, NanoCpus: 200_000_000 },
    });
    await container.start();
    const stream = (await container.stats({ stream: true })) as unknown as Readable;
    const samples: Docker.ContainerStats[] = [];
    stream.on('data', (line: Buffer) => samples.push(JSON.parse(line.toString()) as Docker.ContainerStats));
    await until('two samples', async () => samples.length >= 2, 10_000);
    stream.destroy();
    const [first, second] = samples as [Docker.ContainerStats, Docker.ContainerStats];
    expect(second.memory_stats.limit).toBe(64 * 1024 * 1024);
    expect(second.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(first.cpu_stats.cpu_usage.total_usage);
    expect(second.precpu_stats.cpu_usage.total_usage).toBe(first.cpu_stats.cpu_usage.total_usage);
    const { Titles, Processes } = (await container.top()) as { Titles: readonly string[]; Processes: readonly (readonly string[])[] };
    expect([Titles.at(-1), Processes.length]).toEqual(['CMD', 1]);
  });

  test('archives in and out, and what has changed', async () => {
    const container = await create({ Cmd: ['sleep', '1000'] });
    const tar = pack();
    tar.entry({ name: 'one', mode: 0o600 }, 'first');
    tar.finalize();
    await container.putArchive(await buffer(tar), { path: '/etc' });
    const back = await buffer(await container.getArchive({ path: '/etc/one' }));
    expect(back.subarray(512, 517).toString()).toBe('first');
    const stat = (await container.infoArchive({ path: '/etc/one' })) as unknown as { readonly headers: Readonly<Record<string, string>> };
    const found = JSON.parse(Buffer.from(stat.headers['x-docker-container-path-stat'] ?? '', 'base64').toString()) as object;
    expect(found).toMatchObject({ name: 'one', size: 5, mode: 0o600, linkTarget: '' });
    expect(await container.changes()).toEqual(expect.arrayContaining([{ Path: '/etc/one', Kind: 1 }]));
    await expect(container.getArchive({ path: '/none' })).rejects.toMatchObject({ statusCode: 404 });
  });

  test('events as they come', async () => {
    const stream = (await docker.getEvents({ filters: { type: ['container'], event: ['create', 'die'] } })) as Readable;
    const seen: string[] = [];
    stream.on('data', (data: Buffer) => {
      for (const line of data.toString().trim().split('\n')) seen.push((JSON.parse(line) as { Action: string }).Action);
    });
    const container = await create({ Cmd: ['true'] });
    await container.start();
    await until('both events', async () => seen.includes('die'));
    expect(seen).toEqual(['create', 'die']);
    stream.destroy();
  });

  test('images: tag, get, load, history, remove', async () => {
    const { image } = world();
    await docker.getImage(image).tag({ repo: 'node-client', tag: '1' });
    const archive = await buffer(await docker.getImage('node-client:1').get());
    await docker.getImage('node-client:1').remove();
    await expect(docker.getImage('node-client:1').inspect()).rejects.toMatchObject({ statusCode: 404 });
    await followed(await docker.loadImage(archive as unknown as string));
    expect((await docker.getImage('node-client:1').inspect()).RepoTags).toContain('node-client:1');
    expect(((await docker.getImage('node-client:1').history()) as readonly unknown[]).length).toBe(1);
    expect(await docker.getImage('node-client:1').remove()).toEqual([{ Untagged: 'node-client:1' }]);
    await expect(docker.pull(`${world().registry}/nothing:1`)).rejects.toMatchObject({ statusCode: 404 });
  });

  test('volumes', async () => {
    await docker.createVolume({ Name: 'of-node', Labels: { k: 'v' } });
    const { Volumes } = await docker.listVolumes({ filters: { label: ['k=v'] } });
    expect(Volumes.map(({ Name }) => Name)).toEqual(['of-node']);
    await docker.getVolume('of-node').remove();
    await expect(docker.getVolume('of-node').inspect()).rejects.toMatchObject({ statusCode: 404 });
  });

  test('networks', async (context) => {
    context.skip(!world().networks);
    const network = await docker.createNetwork({ Name: 'of-node', IPAM: { Config: [{ Subnet: '10.94.0.0/24' }] } });
    const container = await docker.createContainer({
      Image: world().image,
      Cmd: ['sleep', '1000'],
      Env: [...world().place],
      HostConfig: { NetworkMode: 'of-node' },
    });
    await container.start();
    const { Containers } = (await network.inspect()) as { Containers: Readonly<Record<string, { IPv4Address: string }>> };
    expect(Containers[container.id]?.IPv4Address).toMatch(/^10\.94\.0\.\d+\/24$/);
    await network.disconnect({ Container: container.id });
    await network.connect({ Container: container.id, EndpointConfig: { Aliases: ['other'] } });
    await container.remove({ force: true });
    await network.remove();
    expect(await docker.listNetworks({ filters: { name: ['of-node'] } })).toEqual([]);
  });

  test('one that is to take another’s place is made before that one is gone, as Compose does, with its published port and its links', async (context) => {
    context.skip(!world().networks);
    const NetworkMode = 'of-web';
    const network = await docker.createNetwork({ Name: NetworkMode });
    const database = await create({ name: 'db-1', Cmd: ['sleep', '1000'], HostConfig: { NetworkMode } });
    await database.start();
    const PortBindings = { '80/tcp': [{ HostPort: '18080' }] };
    const web = (name: string) =>
      create({ name, Cmd: ['sleep', '1000'], HostConfig: { NetworkMode, PortBindings, Links: ['db-1:link_to'] } });
    const published = async (container: Docker.Container) => (await container.inspect()).NetworkSettings.Ports['80/tcp']?.[0]?.HostPort;
    const old = await web('web');
    await old.start();
    expect(await published(old)).toBe('18080');
    // While the old one runs; then after its end.
    const middle = await web('middle');
    await expect(middle.start()).rejects.toThrow('port is already allocated');
    await old.stop({ t: 0 });
    await middle.start();
    expect(await published(middle)).toBe('18080');
    await middle.stop({ t: 0 });
    const last = await web('last');
    await last.start();
    expect(await published(last)).toBe('18080');
    for (const other of [old, middle]) await expect(other.start()).rejects.toThrow('port is already allocated');
    const { NetworkSettings, HostConfig } = await last.inspect();
    expect([HostConfig.Links, NetworkSettings.Networks[NetworkMode]?.Links]).toEqual([['/db-1:/last/link_to'], ['db-1:link_to']]);
    for (const [container, isFound] of [
      [last, true],
      [database, false],
    ] as const) {
      const exec = await container.exec({ Cmd: ['nslookup', 'link_to'], AttachStdout: true, AttachStderr: true });
      const [out] = await demuxed(await exec.start({}));
      expect(out.includes('Name:')).toBe(isFound);
    }
    await world().tidy();
    await network.remove();
  });

  test('prune', async () => {
    const container = await create({ Cmd: ['true'] });
    await container.start();
    await container.wait();
    const { ContainersDeleted } = await docker.pruneContainers();
    expect(ContainersDeleted).toEqual([container.id]);
  });
}
