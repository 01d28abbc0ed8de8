import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { containerId } from '../../../core/model/index.ts';
import { TestHosts } from './hosts.test-suite.ts';

it('leaves nothing of hosts whose daemons were killed amid a test', async () => {
  const hosts = new TestHosts([1500, 1500]);
  try {
    const daemon = await hosts.host(1).start();
    const netns = await daemon.makeNamespace(containerId('c'.repeat(64)));
    expect(existsSync(netns)).toBe(true);
    await daemon.kill();
    await expect(daemon.removeAll()).rejects.toThrow('the driver ended');
  } finally {
    await hosts.close();
  }
  expect([hosts.host(1), hosts.host(2)].map(({ netns, runDir }) => existsSync(netns) || existsSync(runDir))).toEqual([false, false]);
});
