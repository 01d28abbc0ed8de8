import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerId } from '../../core/model/index.ts';
import { mountPointsBelow, unmount } from '../../linux/mount.ts';
import { inNetns } from '../../linux/netns.ts';
import { networkContract } from '../contract.test-suite.ts';
import { IsolatedNetwork } from './isolated.ts';

const A = containerId('a'.repeat(64));
const B = containerId('b'.repeat(64));

let runDir: string;
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'caravela-isolated-'));
});
afterEach(async () => {
  for (const point of await mountPointsBelow(runDir)) unmount(point);
  rmSync(runDir, { recursive: true, force: true });
});

networkContract('isolated', () => new IsolatedNetwork(runDir));

describe('IsolatedNetwork', () => {
  it('gives a container a namespace of its own with loopback up', async () => {
    const { netnsPath } = await new IsolatedNetwork(runDir).attach(A, 'none');
    const home = readlinkSync('/proc/thread-self/ns/net');
    inNetns(netnsPath ?? '', () => {
      expect(readlinkSync('/proc/thread-self/ns/net')).not.toBe(home);
      expect(Object.keys(networkInterfaces())).toEqual(['lo']);
    });
  });

  it('makes the namespace again where a reboot left only its file', async () => {
    const network = new IsolatedNetwork(runDir);
    writeFileSync(join(runDir, 'netns', A), '');
    const { netnsPath } = await network.attach(A, 'none');
    expect(await mountPointsBelow(runDir)).toEqual([netnsPath]);
  });

  it('removes what no known container owns, junk too', async () => {
    const before = new IsolatedNetwork(runDir);
    const kept = await before.attach(A, 'none');
    await before.attach(B, 'none');
    writeFileSync(join(runDir, 'netns', 'junk'), '');
    const after = new IsolatedNetwork(runDir);
    await after.recover((id) => id === A);
    expect(await mountPointsBelow(runDir)).toEqual([kept.netnsPath]);
    expect(readdirSync(join(runDir, 'netns'))).toEqual([A]);
    await after.detach(A);
    expect(readdirSync(join(runDir, 'netns'))).toEqual([]);
  });
});
