import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PublishedPort } from '../port.ts';
import { ask, Lab, type LabEndpoint, portTo, serve } from './testing/lab.test-suite.ts';

/** The kernel remembers where the datagrams of a client go for as long as some come: a minute and more without one. */
describe('a client that goes on sending to a published UDP port, from the same port of its own', () => {
  const PORT = 8083;
  const CLIENT = 5000;
  let lab: Lab;
  let first: LabEndpoint;
  let second: LabEndpoint;
  let elsewhere: LabEndpoint;
  const servers: (() => void)[] = [];
  beforeEach(async () => {
    lab = await Lab.open({ mtus: [1500, 1500], networks: { 1: {} } });
    [first, second, elsewhere] = await Promise.all([lab.one(1, 1), lab.one(1, 1), lab.one(2, 1)]);
  });
  afterEach(async () => {
    for (const stop of servers.splice(0)) stop();
    await lab.close();
  });

  const serveOn = async ({ netns }: LabEndpoint): Promise<void> => {
    servers.push(await serve(netns, 81, 'udp'));
  };
  const stopServers = (): void => {
    for (const stop of servers.splice(0)) stop();
  };
  const publish = (to: LabEndpoint, change: Partial<PublishedPort> = {}): Promise<void> =>
    lab.want({ 1: { ports: [portTo(to, { protocol: 'udp', hostPort: PORT, containerPort: 81, ...change })] } });
  const asks = (netns = lab.hosts.outside): string => ask(netns, '192.0.2.1', PORT, 'udp', CLIENT);

  it('reaches the container that has the port now', async () => {
    await serveOn(first);
    await publish(first);
    expect(asks()).toBe('192.0.2.254');
    stopServers();
    await serveOn(second);
    await publish(second);
    expect(asks()).toBe('192.0.2.254');
    stopServers();
    await serveOn(elsewhere);
    await publish(elsewhere);
    expect(asks()).toBe('10.1.0.1');
  });

  it('reaches the container once the port is published', async () => {
    expect(asks()).toBe('ECONNREFUSED');
    expect(asks(lab.host(1).netns)).toBe('ECONNREFUSED');
    await serveOn(first);
    await publish(first);
    expect(asks()).toBe('192.0.2.254');
    expect(asks(lab.host(1).netns)).toBe('192.0.2.1');
  });

  it('reaches the container no more once the port is not', async () => {
    await serveOn(first);
    await publish(first);
    expect(asks()).toBe('192.0.2.254');
    await lab.want();
    expect(asks()).toBe('ECONNREFUSED');
  });

  it('reaches the right one, too, where that changed while no daemon ran', async () => {
    await serveOn(first);
    await publish(first);
    expect(asks()).toBe('192.0.2.254');
    await lab.daemon(1).kill();
    await lab.host(1).start();
    stopServers();
    await serveOn(second);
    await publish(second);
    expect(asks()).toBe('192.0.2.254');
    await lab.daemon(1).kill();
    await lab.host(1).start();
    await lab.want();
    expect(asks()).toBe('ECONNREFUSED');
  });
});
