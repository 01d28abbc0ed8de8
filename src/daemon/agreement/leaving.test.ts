import { describe, expect, it } from 'vitest';
import { AgreementUnavailable } from '../../agreement/port.ts';
import { LeaveRefused } from '../../api/backend.ts';
import type { AgreedNode, NodeId } from '../../core/model/index.ts';
import { Leaving, type LeavingParts } from './leaving.ts';

const SELF = '1'.padStart(32, '0') as NodeId;
const OTHER = '2'.padStart(32, '0') as NodeId;
const unavailable = () => new AgreementUnavailable('No majority answers', 'no');

interface Surroundings {
  readonly alive?: readonly NodeId[];
  /** How often there is no majority to end this node's membership. */
  failures?: number;
  readonly hasMajority?: boolean;
  readonly outcome?: Awaited<ReturnType<LeavingParts['host']['handOver']>>;
  readonly agreed?: AgreedNode['state'];
}

function leaving(around: Surroundings): { readonly leaving: Leaving; readonly ends: readonly number[]; readonly said: readonly string[] } {
  const ends: number[] = [];
  const said: string[] = [];
  let clockMs = 0;
  let failures = around.failures ?? 0;
  const parts: LeavingParts = {
    self: SELF,
    host: { handOver: async () => around.outcome ?? 'not-a-member' },
    store: {
      async get() {
        if (around.hasMajority === false) throw unavailable();
        return { value: undefined, version: { epoch: 1, revision: 1 } };
      },
    },
    state: {
      async endNode() {
        ends.push(clockMs);
        if (failures-- > 0) throw unavailable();
        return undefined;
      },
      node: (id) => ({ id, name: 'one', number: 1, state: around.agreed ?? 'in', sinceMs: 1 }),
    },
    neighbours: { alive: () => around.alive ?? [OTHER] },
    log: (_level, message) => void said.push(message),
    nowMs: () => clockMs,
    sleep: async (ms) => void (clockMs += ms),
  };
  return { leaving: new Leaving(parts), ends, said };
}

describe('giving up name and addresses', () => {
  it('is tried again while members change', async () => {
    const { leaving: node, ends } = leaving({ failures: 5 });
    await node.handOver(false);
    await node.giveUp(false);
    expect(ends).toHaveLength(6);
  });

  it('is refused in the end, saying what was done and what to do', async () => {
    const { leaving: node, ends } = leaving({ failures: Infinity });
    const refused = (await node.giveUp(false).catch((error: unknown) => error)) as Error;
    expect(refused).toBeInstanceOf(LeaveRefused);
    expect(refused.message).toMatch(/has no containers any more.*No majority answers\. Leave again in a moment; with --force/);
    expect(ends.at(-1)! - ends[0]!).toBeLessThanOrEqual(20_000);
  });

  it('is not refused where it is agreed and only the rest waits', async () => {
    const { leaving: node, ends } = leaving({ failures: Infinity, agreed: 'left' });
    await node.giveUp(false);
    expect(ends).toHaveLength(1);
  });

  it('is tried once and logged where there was no majority, and leaving was forced', async () => {
    const { leaving: node, ends, said } = leaving({ failures: Infinity, hasMajority: false });
    await node.handOver(true);
    await node.giveUp(true);
    expect(ends).toHaveLength(1);
    expect(said.at(-1)).toContain('caravela nodes rm');
  });

  it('is left out by the last one', async () => {
    const { leaving: node, ends } = leaving({ alive: [], failures: Infinity });
    await node.handOver(false);
    await node.giveUp(false);
    expect(ends).toEqual([]);
  });
});

describe('handing over', () => {
  it('is refused without a majority, or where nobody takes over; by force it goes on', async () => {
    await expect(leaving({ hasMajority: false }).leaving.handOver(false)).rejects.toThrow(
      /can't give back its name and addresses now\. No majority answers\./,
    );
    await expect(leaving({ outcome: 'nobody-to-take-over' }).leaving.handOver(false)).rejects.toThrow(/apt install etcd-server/);
    const { leaving: forced, said } = leaving({ outcome: 'failed' });
    await forced.handOver(true);
    expect(said).toEqual([expect.stringContaining('It leaves all the same')]);
  });
});
