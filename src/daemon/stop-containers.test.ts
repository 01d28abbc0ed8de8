import { expect, it } from 'vitest';
import { type Container, containerId } from '../core/model/index.ts';
import { stopContainers } from './stop-containers.ts';

function container(digit: string, state: 'running' | 'exited' | undefined, stopTimeoutMs = 10_000): Container {
  const request = { containerId: containerId(digit.repeat(64)), stopSignal: 'SIGINT', stopTimeoutMs };
  return { request, task: state && { state } } as unknown as Container;
}

it('stops what runs, all at once, each by its signal and within its time', async () => {
  const stops: unknown[] = [];
  const warnings: unknown[] = [];
  let left = 2;
  const both = Promise.withResolvers<void>();
  const engine = {
    stop: async (id: string, signal: string, timeoutMs: number) => {
      stops.push([id[0], signal, timeoutMs]);
      left--;
      if (left === 0) both.resolve();
      await both.promise;
      if (id.startsWith('a')) throw new Error('does not end');
    },
  };
  const containers = [container('a', 'running'), container('b', 'exited'), container('c', undefined), container('d', 'running', 600_000)];
  await stopContainers(engine, containers, (level, _, fields) => void warnings.push([level, fields]));
  expect(stops).toEqual([
    ['a', 'SIGINT', 10_000],
    ['d', 'SIGINT', 60_000],
  ]);
  expect(warnings).toEqual([['warn', { container: 'aaaaaaaaaaaa', error: 'Error: does not end' }]]);
});
