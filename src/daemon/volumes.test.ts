import { describe, expect, it } from 'vitest';
import type { AgreedVolume } from '../agreement/state/fact.ts';
import { AgreementUnavailable } from '../agreement/port.ts';
import { VolumesUnavailable } from '../api/volume-service.ts';
import { nodeId } from '../core/model/index.ts';
import type { MountWish, VolumeStore } from '../engine/port.ts';
import { NodeVolumes } from './volumes.ts';

const SELF = nodeId('1'.repeat(32));
const OTHER = nodeId('2'.repeat(32));

function service() {
  const agreed = new Map<string, AgreedVolume>();
  /** What has a directory. */
  const made = new Set<string>();
  const warnings: string[] = [];
  const trouble: { next: Error | undefined } = { next: undefined };
  const fail = (): void => {
    const { next } = trouble;
    trouble.next = undefined;
    if (next !== undefined) throw next;
  };
  const volumes = new NodeVolumes({
    self: SELF,
    here: { inspect: async (name: string) => (made.has(name) ? {} : undefined) } as unknown as VolumeStore,
    agreed: {
      volume: (name) => agreed.get(name),
      volumes: () => [...agreed.values()],
      claimVolume: async (name, node, createdAtMs) => {
        fail();
        const volume = agreed.get(name) ?? { name, node, createdAtMs };
        agreed.set(name, volume);
        return volume;
      },
      releaseVolume: async (name) => {
        fail();
        agreed.delete(name);
      },
    },
    nameOf: () => 'node-2',
    wallMs: () => 7,
    log: (_level, message) => void warnings.push(message),
  });
  return { volumes, agreed, trouble, made, warnings };
}

const volume = (name: string, anonymous = false): MountWish => ({
  kind: 'volume',
  name,
  anonymous,
  target: '/x',
  readOnly: false,
  noCopy: false,
  labels: {},
});
const tmpfs: MountWish = { kind: 'tmpfs', target: '/t', readOnly: false, sizeBytes: 0, mode: 0o1777, options: [] };

describe('named volumes', () => {
  it('are this node’s from their first container on', async () => {
    const { volumes, agreed, made } = service();
    const spec = { mounts: [volume('data'), volume('data'), volume('ab'.repeat(32), true), tmpfs] };
    await volumes.claimAll(spec);
    made.add('data');
    await volumes.settleAll(spec);
    await volumes.claimAll({});
    expect([...agreed.values()]).toEqual([{ name: 'data', node: SELF, createdAtMs: 7 }]);
    expect([volumes.nodeOf('data'), volumes.named()]).toEqual([SELF, [...agreed.values()]]);
    made.delete('data');
    await volumes.release('data');
    expect(volumes.nodeOf('data')).toBeUndefined();
  });

  it('are free again where the container did not come to be, unless another is being made with them', async () => {
    const { volumes, agreed, made, trouble, warnings } = service();
    const spec = { mounts: [volume('data'), volume('kept')] };
    await volumes.claimAll(spec);
    await volumes.claimAll({ mounts: [volume('data')] });
    made.add('kept');
    await volumes.settleAll(spec);
    expect([...agreed.keys()]).toEqual(['data', 'kept']);
    trouble.next = new AgreementUnavailable('node-1 does not answer', 'no');
    await volumes.settleAll({ mounts: [volume('data')] });
    expect([agreed.has('data'), warnings.length]).toEqual([true, 1]);
    await volumes.release('data');
    await volumes.release('kept');
    expect([...agreed.keys()]).toEqual(['kept']);
  });

  it('that were claimed before one that is elsewhere are free again', async () => {
    const { volumes, agreed } = service();
    agreed.set('theirs', { name: 'theirs', node: OTHER, createdAtMs: 1 });
    await expect(volumes.claimAll({ mounts: [volume('data'), volume('theirs')] })).rejects.toThrow('theirs is on node node-2');
    expect([...agreed.keys()]).toEqual(['theirs']);
  });

  it('of another node keep their containers there', async () => {
    const { volumes, agreed } = service();
    agreed.set('data', { name: 'data', node: OTHER, createdAtMs: 1 });
    await expect(volumes.claimAll({ mounts: [volume('data')] })).rejects.toMatchObject({
      name: 'EngineError',
      message: expect.stringMatching(/^volume data is on node node-2/),
    });
  });

  it('say what they need', async () => {
    const { volumes, trouble } = service();
    trouble.next = new AgreementUnavailable('node-1 does not answer.', 'unknown');
    await expect(volumes.claim('data')).rejects.toEqual(
      new VolumesUnavailable(
        'making volume data needs a majority of the agreement members: node-1 does not answer. It may have happened all the same: look before you try again.',
      ),
    );
    trouble.next = new RangeError('"../x" is no name for a volume');
    await expect(volumes.claim('../x')).rejects.toMatchObject({ name: 'VolumeError', code: 'bad-name' });
    trouble.next = new AgreementUnavailable('node-1 does not answer', 'no');
    await expect(volumes.claimAll({ mounts: [volume('data')] })).rejects.toMatchObject({ name: 'EngineError', code: 'engine-failed' });
  });
});
