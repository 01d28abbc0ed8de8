import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { linkIndex } from '../../linux/link.ts';
import { mountPointsBelow, unmount } from '../../linux/mount.ts';
import { createNetns, inNetns } from '../../linux/netns.ts';
import { addBridge } from '../../linux/rtnetlink/links.ts';
import { RouteSocket } from '../../linux/rtnetlink/route-socket.ts';
import { MAIN_TABLE } from '../../linux/rtnetlink/routes.ts';
import { ip } from '../contract.test-suite.ts';
import { plugIn } from './plug.ts';

/** A daemon may be killed at any step; the next one takes a port whose alias says so for one that is done. */
describe('plugging in, ended at any step', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'caravela-plug-'));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    for (const point of await mountPointsBelow(dir)) unmount(point);
    rmSync(dir, { recursive: true, force: true });
  });

  /** Whether it came to its end before its n-th word to the kernel. */
  const plugInUpTo = (steps: number, host: string, netns: string): boolean => {
    const must = Reflect.get<typeof RouteSocket.prototype, 'must'>(RouteSocket.prototype, 'must');
    let left = steps;
    vi.spyOn(RouteSocket.prototype, 'must').mockImplementation(function (this: RouteSocket, requests) {
      if (left === 0) throw new Error('killed');
      left -= 1;
      must.call(this, requests);
    });
    try {
      inNetns(host, () => {
        const socket = RouteSocket.open();
        try {
          const bridge = linkIndex('br0');
          const asked = { interfaceName: 'eth0', mac: '02:42:0a:01:01:02', mtu: 1450, address: ip('10.1.1.2'), prefix: 16 };
          plugIn(socket, { ...asked, netns, port: 'port0', alias: 'done', bridge, gateway: ip('10.1.0.1') });
        } finally {
          socket.close();
        }
      });
      return true;
    } catch (error) {
      if (error instanceof Error && error.message === 'killed') return false;
      throw error;
    } finally {
      vi.restoreAllMocks();
    }
  };
  const inside = <T>(netns: string, look: (socket: RouteSocket) => T): T => {
    const socket = RouteSocket.openIn(netns);
    try {
      return look(socket);
    } finally {
      socket.close();
    }
  };

  it('leaves no port that seems to be done and is not', () => {
    let isDone = false;
    for (let steps = 0; !isDone && steps < 20; steps += 1) {
      const [host, netns] = [join(dir, `host${steps}`), join(dir, `container${steps}`)];
      createNetns(host, () => {
        const socket = RouteSocket.open();
        socket.must([addBridge({ name: 'br0', up: true }, { multicastSnooping: false })]);
        socket.close();
      });
      createNetns(netns, () => undefined);
      isDone = plugInUpTo(steps, host, netns);
      const port = inside(host, (socket) => socket.links().find(({ name }) => name === 'port0'));
      const address = inside(netns, (socket) => socket.addresses().some((each) => each.address === ip('10.1.1.2')));
      const route = inside(netns, (socket) => socket.routes(MAIN_TABLE).some(({ via }) => via === ip('10.1.0.1')));
      const isWhole = port !== undefined && port.up && port.master !== 0 && port.port?.hairpin === true && address && route;
      expect([steps, port?.alias === 'done' ? isWhole : true]).toEqual([steps, true]);
      if (isDone) expect(port?.alias).toBe('done');
    }
    expect(isDone).toBe(true);
  });
});
