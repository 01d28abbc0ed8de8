import { describe, expect, it } from 'vitest';
import { containerId } from '../core/model/index.ts';
import type { Network } from './port.ts';

const A = containerId('a'.repeat(64));
const B = containerId('b'.repeat(64));

/** What every adapter of `Network` keeps. `make` is called in each test and cleaned up by the caller. */
export function networkContract(name: string, make: () => Network): void {
  describe(`network contract: ${name}`, () => {
    it('gives each isolated container a namespace, the same one when asked again', async () => {
      const network = make();
      const a = await network.attach(A, 'none');
      const b = await network.attach(B, 'none');
      expect(a.netnsPath).toBeDefined();
      expect(b.netnsPath).not.toBe(a.netnsPath);
      expect(await network.attach(A, 'none')).toEqual(a);
    });

    it('gives none on the host network', async () => {
      expect(await make().attach(A, 'host')).toEqual({ netnsPath: undefined });
    });

    it('detaches what is there and what is not', async () => {
      const network = make();
      await network.attach(A, 'none');
      await network.detach(A);
      await network.detach(A);
      await network.detach(B);
      expect((await network.attach(A, 'none')).netnsPath).toBeDefined();
    });

    it('detaches one container twice at a time, as an exit and a removal do', async () => {
      const network = make();
      for (let round = 0; round < 20; round++) {
        await network.attach(A, 'none');
        await Promise.all([network.detach(A), network.detach(A), network.detach(A)]);
        expect((await network.attach(A, 'none')).netnsPath).toBeDefined();
        await network.detach(A);
      }
    });
  });
}
