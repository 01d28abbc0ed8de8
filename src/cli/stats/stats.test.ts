import type { ServerResponse } from 'node:http';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatsSample } from '../../docker-api/types.ts';
import { type Asked, FakeDaemon, HELD, refuse, run, type RunOptions } from '../testing.ts';
import { figuresOf } from './figures.ts';

const ID = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
let daemon: FakeDaemon;
const cli = (argv: string[], options: RunOptions = {}) => run(['--host', `unix://${daemon.socket}`, ...argv], options);
beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
});
afterEach(() => daemon.close());

/** Half a CPU of two, 64 MiB of which 16 could be had back. */
function sample(more: Partial<StatsSample> = {}): StatsSample {
  const cpu = (total: number, system: number) => ({
    cpu_usage: { total_usage: total, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    system_cpu_usage: system,
    online_cpus: 2,
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  });
  const traffic = { rx_packets: 0, rx_errors: 0, rx_dropped: 0, tx_packets: 0, tx_errors: 0, tx_dropped: 0 };
  return {
    id: ID,
    name: '/web',
    read: '2026-11-22T12:00:01Z',
    preread: '2026-11-22T12:00:00Z',
    num_procs: 0,
    pids_stats: { current: 3 },
    cpu_stats: cpu(1.5e9, 12e9),
    precpu_stats: cpu(1e9, 10e9),
    memory_stats: { usage: 64 * 2 ** 20, limit: 256 * 2 ** 20, stats: { inactive_file: 16 * 2 ** 20 } },
    blkio_stats: {
      io_service_bytes_recursive: [
        { major: 8, minor: 0, op: 'Read', value: 1_000 },
        { major: 8, minor: 0, op: 'write', value: 2_000 },
        { major: 8, minor: 16, op: 'read', value: 500 },
      ],
      io_serviced_recursive: null,
    },
    networks: { eth0: { ...traffic, rx_bytes: 656, tx_bytes: 1_200 }, eth1: { ...traffic, rx_bytes: 4, tx_bytes: 0 } },
    ...more,
  };
}

const CELLS = ['aaaaaaaaaaaa', 'web', '50.00%', '48MiB / 256MiB', '18.75%', '660B / 1.2kB', '1.5kB / 2kB', '3'];

describe('figures', () => {
  it('are Docker’s sums', () => {
    expect(figuresOf(sample())).toEqual({
      cpuPercent: 50,
      memoryUsed: 48 * 2 ** 20,
      memoryLimit: 256 * 2 ** 20,
      memoryPercent: 18.75,
      received: 660,
      sent: 1_200,
      read: 1_500,
      written: 2_000,
      processes: 3,
    });
    const first = sample();
    delete first.precpu_stats.system_cpu_usage;
    expect(figuresOf({ ...first, networks: {}, memory_stats: {}, pids_stats: {} })).toMatchObject({
      memoryPercent: 0,
      received: 0,
      processes: 0,
    });
  });

  it('are never less than nothing', () => {
    const number = fc.nat();
    fc.assert(
      fc.property(number, number, number, number, number, number, (used, before, system, systemBefore, usage, inactive) => {
        const one = sample();
        one.cpu_stats.cpu_usage.total_usage = used;
        one.precpu_stats.cpu_usage.total_usage = before;
        one.cpu_stats.system_cpu_usage = system;
        one.precpu_stats.system_cpu_usage = systemBefore;
        one.memory_stats = { usage, limit: 1, stats: { total_inactive_file: inactive } };
        for (const figure of Object.values(figuresOf(one) as unknown as Record<string, number>)) expect(figure).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('stats', () => {
  const row = (Id: string, name: string) => ({ Id, Names: [`/${name}`], Labels: { 'caravela.node': 'node-2' } });
  const columns = (text: string): string[][] =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
  const resting = sample({ id: OTHER, name: '/db', read: '0001-01-01T00:00:00Z' });

  it('shows each once with --no-stream', async () => {
    daemon.on('GET /containers/json', [row(ID, 'web'), row(OTHER, 'db')]);
    daemon.on(`GET /containers/${ID}/stats`, sample()).on(`GET /containers/${OTHER}/stats`, resting);
    const ran = await cli(['stats', '-a', '--no-stream']);
    expect(columns(ran.out)).toEqual([
      ['CONTAINER ID', 'NAME', 'CPU %', 'MEM USAGE / LIMIT', 'MEM %', 'NET I/O', 'BLOCK I/O', 'PIDS'],
      CELLS,
      ['bbbbbbbbbbbb', 'db', '--', '-- / --', '--', '-- / --', '-- / --', '--'],
    ]);
    expect(daemon.asked.map(({ query }) => query)).toEqual([{ all: '1' }, { stream: '0' }, { stream: '0' }]);
    expect(columns((await cli(['stats', '--no-stream', '--format', 'wide'])).out)[1]).toEqual([
      ...CELLS.slice(0, 2),
      'node-2',
      ...CELLS.slice(2),
    ]);
    expect((await cli(['stats', '--no-stream', '--format', '{{.Name}} {{.CPUPerc}} {{.Node}}'])).out).toBe(
      'web 50.00% node-2\ndb -- node-2\n',
    );
    expect(JSON.parse((await cli(['stats', '--no-stream', '--format', 'json'])).out.split('\n')[0] ?? '')).toMatchObject({
      Name: 'web',
      PIDs: '3',
    });
  });

  it('shows those that are named, and says what could not be had', async () => {
    daemon.on('GET /containers/web/json', { Id: ID, Name: '/web', Node: { Name: 'node-2' } });
    daemon.on(`GET /containers/${ID}/stats`, (_asked: Asked, response: ServerResponse) => refuse(response, 503, 'node-2 did not answer'));
    expect(await cli(['stats', '--no-stream', 'web'])).toMatchObject({ code: 1, err: 'caravela: node-2 did not answer\n' });
    expect((await cli(['stats', 'none'])).err).toBe('caravela: no such thing: /containers/none/json\n');
    expect((await cli(['stats', '--format', '{{.Bogus'])).code).toBe(1);
  });

  it('goes on, with what comes and goes, until the daemon does', async () => {
    const listed = [row(ID, 'web')];
    let events: ServerResponse | undefined;
    daemon.on('GET /containers/json', () => listed);
    const streams = new Map<string, ServerResponse>();
    for (const id of [ID, OTHER]) {
      daemon.on(`GET /containers/${id}/stats`, (_asked: Asked, response: ServerResponse) => {
        streams.set(id, response);
        response.write(`${JSON.stringify(id === ID ? sample() : sample({ id: OTHER, name: '/db' }))}\n`);
        return HELD;
      });
    }
    daemon.on('GET /events', (_asked: Asked, response: ServerResponse) => {
      (events = response).flushHeaders();
      return HELD;
    });
    const tell = (Action: string, ID: string): unknown =>
      events?.write(`${JSON.stringify({ Type: 'container', Action, Actor: { ID, Attributes: {} } })}\n`);
    const running = cli(['stats', '--format', '{{.Name}}']);
    const until = async (holds: () => boolean): Promise<void> => {
      while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await until(() => events !== undefined && streams.has(ID));
    listed.push(row(OTHER, 'db'));
    tell('start', OTHER);
    await until(() => streams.has(OTHER));
    await new Promise((resolve) => setTimeout(resolve, 700));
    tell('die', ID);
    await until(() => streams.get(ID)?.destroyed === true);
    await new Promise((resolve) => setTimeout(resolve, 700));
    events?.end();
    const ran = await running;
    expect(ran).toMatchObject({ code: 1, err: 'caravela: the daemon ended the stream of events\n' });
    expect(ran.out).toMatch(/^(web\n)*(web\ndb\n)+(db\n)+$/);
  });

  it('ends when the only one named is gone', async () => {
    daemon.on('GET /containers/web/json', { Id: ID, Name: '/web', Node: { Name: 'node-2' } });
    daemon.on(`GET /containers/${ID}/stats`, (_asked: Asked, response: ServerResponse) => response.end(`${JSON.stringify(sample())}\n`));
    expect(await cli(['stats', 'web'], { tty: true })).toMatchObject({ code: 0, err: '' });
  });
});
