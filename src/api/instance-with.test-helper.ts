import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { expect } from 'vitest';
import { FakeInstance, type FakeNode } from './fake-instance.test-helper.ts';

/** Where a container is, seen from the node that is asked. On another node every byte of its streams crosses HTTP/2. */
export type Where = 'here' | 'there';

/** Three nodes, of which the first is asked; the running container `web` is there, or on the second. */
export async function instanceWith(where: Where) {
  const instance = await FakeInstance.of('node-1', 'node-2', 'node-3');
  const [asked, second] = instance.nodes as [FakeNode, FakeNode];
  const home = where === 'here' ? asked : second;
  const { containerId } = home.put('web', { state: 'running' }).request;
  const docker = new Docker({ socketPath: asked.socketPath });
  return { instance, asked, second, home, containerId, docker, container: docker.getContainer('web') };
}

/** What comes about by itself, soon. */
export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) await sleep(5);
  expect(holds()).toBe(true);
}

export async function bytesOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
