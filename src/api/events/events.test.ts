import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { jsonLines } from '../../docker-api/json-lines.ts';
import type { EventMessage } from '../../docker-api/types.ts';
import { FakeInstance, type FakeNode } from '../fake-instance.test-helper.ts';
import { API_LIMITS } from '../limits.ts';

async function instanceOf(...names: string[]) {
  const instance = await FakeInstance.of(...names);
  const [asked, second] = instance.nodes as [FakeNode, FakeNode];
  return { instance, asked, second, docker: new Docker({ socketPath: asked.socketPath }) };
}

async function take(stream: NodeJS.ReadableStream, count: number): Promise<EventMessage[]> {
  const messages: EventMessage[] = [];
  for await (const message of jsonLines<EventMessage>(stream as Readable)) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

const actions = (messages: readonly EventMessage[]): string[] => messages.map(({ Type, Action }) => `${Type} ${Action}`);

describe('GET /events', () => {
  it('tells what becomes of a container with a volume and a network, in Docker’s order', async () => {
    const t = await instanceOf('node-1');
    const stream = await t.docker.getEvents({});
    const mounts = [
      { kind: 'volume' as const, target: '/data', readOnly: true, name: 'files', anonymous: false, noCopy: false, labels: {} },
    ];
    const { containerId } = t.asked.put('web', { spec: { mounts, labels: { app: 'shop' } } }).request;
    await t.docker.getContainer('web').start();
    await t.docker.getContainer('web').kill({ signal: 'KILL' });
    await t.docker.getContainer('web').wait();
    await t.docker.getContainer('web').remove();
    const messages = await take(stream, 7);
    expect(actions(messages)).toEqual([
      'container create',
      'volume mount',
      'container start',
      'container kill',
      'container die',
      'volume unmount',
      'container destroy',
    ]);
    expect(messages[1]?.Actor).toEqual({
      ID: 'files',
      Attributes: {
        container: containerId,
        destination: '/data',
        driver: 'local',
        propagation: '',
        'read/write': 'false',
        'caravela.node': 'node-1',
      },
    });
    expect(messages[3]?.Actor.Attributes).toMatchObject({ signal: '9' });
    expect(messages[6]).toMatchObject({
      id: containerId,
      status: 'destroy',
      from: 'busybox:latest',
      Actor: { Attributes: { app: 'shop', image: 'busybox:latest', name: 'web' } },
    });
  });

  it('tells each prune once, with what all nodes got back', async () => {
    const t = await instanceOf('node-1', 'node-2');
    t.second.put('done', { state: 'exited' });
    const stream = await t.docker.getEvents({ filters: { event: ['prune'] } });
    await t.docker.pruneContainers();
    await t.docker.pruneImages();
    await t.docker.pruneVolumes();
    await t.docker.pruneNetworks();
    t.second.put('sentinel', { state: 'exited' });
    await t.docker.pruneContainers();
    const messages = await take(stream, 5);
    expect(actions(messages)).toEqual(['container prune', 'image prune', 'volume prune', 'network prune', 'container prune']);
    expect(messages[0]?.Actor.Attributes).toEqual({ 'caravela.node': 'node-1', reclaimed: expect.stringMatching(/^[1-9]\d*$/) });
    expect(messages[3]?.Actor.Attributes).toMatchObject({ reclaimed: '0' });
  });

  it('brings back all that is kept where only an end is given, or a start in 1970', async () => {
    const t = await instanceOf('node-1', 'node-2');
    // In order, whichever node they are of.
    t.second.put('two');
    await sleep(2);
    t.asked.put('one');
    await sleep(2);
    const until = Date.now() / 1000;
    for (const span of [{ until }, { until, since: 0 }]) {
      const messages = await take(await t.docker.getEvents(span), 99);
      expect(messages.map(({ Actor }) => Actor.Attributes['name'])).toEqual(['two', 'one']);
    }
    await expect(t.docker.getEvents({ since: until, until: until - 60 })).rejects.toMatchObject({ statusCode: 400 });
  });

  it('brings back what is kept, of all nodes, and ends at `until`', async () => {
    const t = await instanceOf('node-1', 'node-2');
    const since = Date.now();
    t.asked.put('one');
    t.second.put('two');
    await sleep(2);
    const ended = await t.docker.getEvents({ since: since / 1000, until: Date.now() / 1000 });
    expect((await take(ended, 99)).map(({ Actor }) => Actor.Attributes['name'] ?? '').sort()).toEqual(['one', 'two']);
    for (let i = 0; i <= API_LIMITS.eventsKept; i++) t.asked.put(`more-${i}`);
    const bounded = await t.docker.getEvents({ since: since / 1000, until: Math.ceil(Date.now() / 1000) });
    expect((await take(bounded, 999)).filter(({ Actor }) => Actor.Attributes['caravela.node'] === 'node-1')).toHaveLength(
      API_LIMITS.eventsKept,
    );
  });

  it.each<[Record<string, string[]>, string[]]>([
    [{ event: ['health_status'] }, ['container health_status: unhealthy']],
    [{ event: ['health_status: healthy'] }, []],
    [{ event: ['oom', 'create'] }, ['container create']],
    [{ type: ['volume'] }, []],
    [{ container: ['we'] }, ['container create', 'container health_status: unhealthy']],
    [{ container: ['other'] }, []],
    [{ image: ['busybox'] }, ['container create', 'container health_status: unhealthy']],
    [{ scope: ['swarm'] }, []],
    [{ label: ['app=shop'], node: ['node-1'] }, ['container create', 'container health_status: unhealthy']],
  ])('filters by %o', async (filters, expected) => {
    const t = await instanceOf('node-1');
    const { containerId } = t.asked.put('web', { state: 'running', spec: { labels: { app: 'shop' } } }).request;
    t.asked.turn(containerId, 'starting');
    t.asked.turn(containerId, 'unhealthy');
    const stream = await t.docker.getEvents({
      since: 1,
      until: Math.floor(Date.now() / 1000) + 1,
      filters: filters as never,
    });
    expect(actions(await take(stream, 99))).toEqual(expected);
  });

  it('refuses a filter that there is not', async () => {
    const t = await instanceOf('node-1');
    await expect(t.docker.getEvents({ filters: '{"nonsense":["x"]}' as never })).rejects.toMatchObject({ statusCode: 400 });
  });
});
