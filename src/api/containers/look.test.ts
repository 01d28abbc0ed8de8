import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { jsonLines } from '../../docker-api/json-lines.ts';
import { PATH_STAT_HEADER, type StatsSample } from '../../docker-api/types.ts';
import { instanceWith } from '../instance-with.test-helper.ts';

async function entriesOf(stream: NodeJS.ReadableStream): Promise<Record<string, string>> {
  const entries: Record<string, string> = {};
  const untar = extract();
  stream.pipe(untar);
  for await (const entry of untar) {
    let text = '';
    for await (const chunk of entry as AsyncIterable<Buffer>) text += chunk.toString();
    entries[entry.header.name] = text;
  }
  return entries;
}

async function bytesIn(stream: NodeJS.ReadableStream): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream as Readable) bytes += (chunk as Buffer).length;
  return bytes;
}

async function tarOf(files: Record<string, string>): Promise<Buffer> {
  const tar = pack();
  for (const [name, text] of Object.entries(files)) tar.entry({ name }, text);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe.each(['here', 'there'] as const)('a look at a container %s', (where) => {
  it('lists its processes', async () => {
    const t = await instanceWith(where);
    expect(await t.container.top()).toEqual({ Titles: ['PID', 'CMD'], Processes: [['4711', 'sleep 60 -ef']] });
    expect((await t.container.top({ ps_args: 'aux  -w' })).Processes).toEqual([['4711', 'sleep 60 aux -w']]);
    t.home.exit(t.containerId, 0);
    await expect(t.container.top()).rejects.toMatchObject({ statusCode: 409 });
  });

  it('says where its things are on its host, and what it is kept from', async () => {
    const t = await instanceWith(where);
    const id = t.containerId;
    expect(await t.container.inspect()).toMatchObject({
      GraphDriver: {
        Data: {
          LowerDir: '/layers/top:/layers/base',
          UpperDir: `/containers/${id}/upper`,
          WorkDir: `/containers/${id}/work`,
          MergedDir: `/bundles/${id}/rootfs`,
        },
      },
      ResolvConfPath: '/etc-of-it/resolv.conf',
      HostnamePath: '/etc-of-it/hostname',
      HostsPath: '/etc-of-it/hosts',
      NetworkSettings: { SandboxKey: '/proc/7/ns/net' },
      HostConfig: { MaskedPaths: ['/proc/kcore'], ReadonlyPaths: ['/proc/sys'], MemorySwap: 0 },
    });
    t.home.exit(id, 0);
    expect(await t.container.inspect()).toMatchObject({ HostsPath: '', NetworkSettings: { SandboxKey: '' } });
  });

  it('says what of the kernel’s files one is kept from that was asked to be kept from others, or from none', async () => {
    const t = await instanceWith(where);
    t.home.images.put('docker.io/library/busybox:latest', '7');
    const hostConfigOf = async (HostConfig: object) =>
      (await (await t.docker.createContainer({ Image: 'busybox', HostConfig })).inspect()).HostConfig;
    expect(await hostConfigOf({ MaskedPaths: [], ReadonlyPaths: ['/proc/irq'] })).toMatchObject({
      MaskedPaths: [],
      ReadonlyPaths: ['/proc/irq'],
    });
    expect(await hostConfigOf({ Privileged: true })).toMatchObject({ MaskedPaths: null, ReadonlyPaths: null });
  });

  it('shows the swap that Docker gives with memory', async () => {
    const t = await instanceWith(where);
    t.home.images.put('docker.io/library/busybox:latest', '7');
    const swapOf = async (HostConfig: object) =>
      (await (await t.docker.createContainer({ Image: 'busybox', HostConfig })).inspect()).HostConfig.MemorySwap;
    expect(await swapOf({ Memory: 64 << 20 })).toBe(128 << 20);
    expect(await swapOf({})).toBe(0);
    expect(await swapOf({ Memory: 64 << 20, MemorySwap: -1 })).toBe(-1);
    expect(await swapOf({ Memory: 64 << 20, MemorySwap: 64 << 20 })).toBe(64 << 20);
  });

  it('measures it between two moments, once, or on and on', async () => {
    const t = await instanceWith(where);
    const twice = (await t.container.stats({ stream: false })) as unknown as StatsSample;
    expect(twice).toMatchObject({
      id: t.containerId,
      name: '/web',
      cpu_stats: {
        cpu_usage: { total_usage: 1_000_000_000, percpu_usage: [600_000_000, 400_000_000], usage_in_kernelmode: 200_000_000 },
        system_cpu_usage: 4_000_000_000,
        online_cpus: 2,
      },
      precpu_stats: { cpu_usage: { total_usage: 500_000_000 }, system_cpu_usage: 2_000_000_000, online_cpus: 2 },
      memory_stats: { usage: 5_000_000, limit: 10_000_000, stats: { inactive_file: 1_000_000 } },
      pids_stats: { current: 3 },
      blkio_stats: {
        io_service_bytes_recursive: [
          { major: 8, minor: 0, op: 'Read', value: 100 },
          { major: 8, minor: 0, op: 'Write', value: 200 },
        ],
      },
      networks: { eth0: { rx_bytes: 10, tx_bytes: 20 } },
    });
    expect(Date.parse(twice.read)).toBeGreaterThan(Date.parse(twice.preread));
    const once = (await t.container.stats({ stream: false, 'one-shot': true })) as unknown as StatsSample;
    expect(once.precpu_stats).toEqual({
      cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
      throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
    });
    const seen: StatsSample[] = [];
    for await (const sample of jsonLines<StatsSample>((await t.container.stats({ stream: true })) as Readable)) {
      seen.push(sample);
      if (seen.length === 2) break;
    }
    expect(seen[1]?.precpu_stats.cpu_usage).toEqual(seen[0]?.cpu_stats.cpu_usage);
    t.home.exit(t.containerId, 0);
    expect(await t.container.stats({ stream: false })).toMatchObject({ name: '/web', read: '0001-01-01T00:00:00Z', memory_stats: {} });
  });

  it('tells what differs from its image, and gives all of its files out', async () => {
    const t = await instanceWith(where);
    expect(await t.container.changes()).toEqual([
      { Path: '/etc', Kind: 0 },
      { Path: '/etc/gone', Kind: 2 },
      { Path: '/etc/new', Kind: 1 },
    ]);
    t.home.access.rootBytes = 8 * 1024 * 1024;
    expect(await bytesIn(await t.container.export())).toBe(8 * 1024 * 1024);
  });

  it('does not read ahead of a client that has stopped reading', async () => {
    const t = await instanceWith(where);
    t.home.access.rootBytes = 256 * 1024 * 1024;
    const socket = connect(t.asked.socketPath);
    socket.write('GET /containers/web/export HTTP/1.1\r\nHost: x\r\n\r\n');
    let before = -1;
    while (before !== t.home.access.exportedBytes || before <= 0) {
      before = t.home.access.exportedBytes;
      await sleep(50);
    }
    expect(before).toBeLessThan(16 * 1024 * 1024);
    socket.destroy();
  });

  it('copies files out of it and into it', async () => {
    const t = await instanceWith(where);
    const out = await t.container.getArchive({ path: '/etc' });
    expect(await entriesOf(out)).toEqual({ 'etc/': '', 'etc/hostname': 'box\n' });
    const head = await t.asked.api.app.inject({ method: 'HEAD', url: '/containers/web/archive?path=/etc/hostname' });
    const stat: unknown = JSON.parse(Buffer.from(String(head.headers[PATH_STAT_HEADER.toLowerCase()]), 'base64').toString());
    expect([head.statusCode, stat]).toEqual([
      200,
      { name: 'hostname', size: 4, mode: 0o644, mtime: '2023-11-14T22:13:20.000Z', linkTarget: '' },
    ]);
    const big = 'x'.repeat(3 * 1024 * 1024);
    await t.container.putArchive(await tarOf({ 'a.txt': 'one', 'b.txt': big }), { path: '/etc', noOverwriteDirNonDir: 'true' });
    await t.container.putArchive(gzipSync(await tarOf({ 'c.txt': 'three' })), { path: '/' });
    expect(t.home.access.files.get('/etc/a.txt')).toBe('one');
    expect(t.home.access.files.get('/etc/b.txt')).toBe(big);
    expect(t.home.access.files.get('/c.txt')).toBe('three');
    expect(t.home.access.written).toEqual([
      { path: '/etc', options: { noOverwriteDirNonDir: true, copyUidGid: false } },
      { path: '/', options: { noOverwriteDirNonDir: false, copyUidGid: false } },
    ]);
    await expect(t.docker.getContainer(t.containerId).getArchive({ path: '/nope' })).rejects.toMatchObject({
      statusCode: 404,
      message: expect.stringContaining(`Could not find the file /nope in container ${t.containerId}`),
    });
    await expect(t.container.getArchive({ path: '' })).rejects.toMatchObject({ statusCode: 400 });
    await expect(t.container.putArchive(await tarOf({}), { path: '/etc/hostname' })).rejects.toMatchObject({ statusCode: 400 });
  });

  it('takes files of which it is told neither length nor type', async () => {
    const t = await instanceWith(where);
    const put = httpRequest({ socketPath: t.asked.socketPath, method: 'PUT', path: '/containers/web/archive?path=/etc' });
    put.write((await tarOf({ 'd.txt': 'four' })).subarray(0, 700));
    put.end((await tarOf({ 'd.txt': 'four' })).subarray(700));
    const [answer] = (await once(put, 'response')) as [IncomingMessage];
    expect([answer.statusCode, t.home.access.files.get('/etc/d.txt')]).toEqual([200, 'four']);
    answer.resume();
  });

  it('makes an image of it, paused meanwhile, with what is changed of its configuration', async () => {
    const t = await instanceWith(where);
    t.home.images.put('docker.io/library/busybox:latest', '7');
    const made = (await t.container.commit({
      repo: 'mine',
      tag: 'v1',
      author: 'me',
      comment: 'why',
      changes: 'CMD ["run"]',
      Env: ['NEW=1'],
      Labels: { a: 'b' },
    })) as { Id: string };
    const image = await t.home.images.inspect(made.Id);
    expect(image).toMatchObject({
      references: ['docker.io/library/mine:v1'],
      author: 'me',
      sizeBytes: 512,
      history: [{ comment: 'why', created_by: 'sleep 60' }],
      config: { Cmd: ['run'], Env: ['PATH=/bin', 'NEW=1'], Labels: { 'from.image': 'yes', a: 'b' }, StopSignal: 'SIGTERM' },
    });
    expect(t.home.commands.map(({ kind }) => kind).filter((kind) => kind.endsWith('pause'))).toEqual(['pause', 'unpause']);
    await expect(t.container.commit({ repo: 'UPPER' })).rejects.toMatchObject({ statusCode: 400 });
    await expect(t.docker.getContainer('nope').commit()).rejects.toMatchObject({ statusCode: 404 });
  });
});

describe('an archive from a node that goes away', () => {
  it('breaks off, and does not look whole', async () => {
    const t = await instanceWith('there');
    t.home.access.rootBytes = 256 * 1024 * 1024;
    const stream = (await t.container.export()) as Readable;
    const reading = bytesIn(stream).catch((error: Error) => error.message);
    await t.home.close();
    expect(await reading).toBe('aborted');
  });
});
