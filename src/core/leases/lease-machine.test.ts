import { describe, expect, test } from 'vitest';
import { B, ip, lease, LeaseScript, NET } from './lease-script.test-helper.ts';

describe('takes', () => {
  test('the first leases a block; the next are granted at once; half of it in use, another is leased ahead', () => {
    const script = new LeaseScript('10.0.0.0/24');
    expect(script.take('c1').seen()).toEqual(['read']);
    expect(script.read().seen()).toEqual(['change at 10: +a:10.0.0.0/29']);
    expect(script.changed('done').seen()).toEqual(['granted 10.0.0.2']);
    expect(script.take('c2').take('c3').seen()).toEqual(['granted 10.0.0.3', 'granted 10.0.0.4']);
    expect(script.timer('ahead').seen()).toEqual(['read']);
    expect(script.take('c4').seen()).toEqual(['granted 10.0.0.5']);
    expect(script.read().seen()).toEqual(['change at 11: +a:10.0.0.8/29']);
    expect(script.changed('done').seen()).toEqual([]);
  });

  test('many that wait share one effort', () => {
    const script = new LeaseScript('10.0.0.0/24');
    for (let i = 0; i < 10; i++) script.take(`c${i}`);
    expect(script.seen()).toEqual(['read']);
    expect(script.read().seen()).toEqual(['change at 10: +a:10.0.0.0/29 +a:10.0.0.8/29 +a:10.0.0.16/29']);
    expect(script.changed('done').seen()).toHaveLength(10);
  });

  test('somebody else’s change comes first: read again, after a moment', () => {
    const script = new LeaseScript('10.0.0.0/24').take('c1').read();
    expect(script.changed('moved').timer('again').seen()).toEqual(['read', 'change at 10: +a:10.0.0.0/29', 'read']);
    expect(script.read([lease('b', '10.0.0.0/29')], 11).seen()).toEqual(['change at 11: +a:10.0.0.8/29']);
  });

  test('no majority: refused at once; a network that is gone, too', () => {
    const script = new LeaseScript('10.0.0.0/24').take('c1').noMajority();
    expect(script.seen()).toEqual(['read', 'refused no-agreement']);
    expect(script.take('c1').read().changed('no-network').seen().at(-1)).toBe('refused no-network');
  });

  test('no block is free: pieces; no piece: holders are asked, and what they give up is leased', () => {
    const all = [lease('b', '10.0.0.0/29'), lease('b', '10.0.0.8/30'), lease('b', '10.0.0.14/31')];
    const script = new LeaseScript('10.0.0.0/28', all).take('c1').read();
    expect(script.seen()).toEqual(['read', 'change at 10: +a:10.0.0.12/31']);
    script.changed('done').take('c2').take('c3');
    expect(script.seen()).toEqual(['granted 10.0.0.12', 'granted 10.0.0.13', 'read']);
    expect(script.read().seen()).toEqual(['ask b: reclaim']);
    script.agreed([lease('b', '10.0.0.0/29'), lease('b', '10.0.0.8/31'), lease('b', '10.0.0.14/31'), lease('a', '10.0.0.12/31')]);
    expect(script.said('given').read().seen()).toEqual(['read', 'change at 12: +a:10.0.0.10/31']);
    expect(script.changed('done').seen()).toEqual(['granted 10.0.0.10']);
  });

  test('nobody has any left, or answers: refused', () => {
    const all = [lease('b', '10.0.0.0/29'), lease('c', '10.0.0.8/29')];
    const script = new LeaseScript('10.0.0.0/28', all).take('c1').read();
    // Both are asked side by side; the script answers the last.
    expect(script.seen()).toEqual(['read', 'ask b: reclaim', 'ask c: reclaim']);
    expect(script.said(undefined).seen()).toEqual([]);
    expect(script.timer('take').seen()).toEqual(['refused exhausted']);
  });

  test('a first block to keep', () => {
    const script = new LeaseScript('10.0.0.0/24').keepOne().read().changed('done');
    expect(script.seen()).toEqual(['read', 'change at 10: +a:10.0.0.0/29', 'granted a block']);
    expect(script.take('c1').give('c1').seen()).toEqual(['granted 10.0.0.2']);
    expect(script.timers.filter(({ timer }) => timer.name === 'idle')).toEqual([]);
    expect(script.peer(B, { kind: 'return' }).read().seen()).toEqual(['read', 'answer in-use']);
  });
});

describe('one given address', () => {
  test('is leased alone where it is free', () => {
    const script = new LeaseScript('10.0.0.0/24').take('c1', '10.0.0.77').read().changed('done');
    expect(script.seen()).toEqual(['read', 'change at 10: +a:10.0.0.77/32', 'granted 10.0.0.77']);
  });

  test('is asked of its holder, whose word alone grants nothing', () => {
    const all = [lease('b', '10.0.0.72/29')];
    const script = new LeaseScript('10.0.0.0/24', all).take('c1', '10.0.0.77').read();
    expect(script.seen()).toEqual(['read', 'ask b: cede 10.0.0.77']);
    expect(script.said('given').seen()).toEqual(['read']);
    expect(script.read([...all, lease('a', '10.0.0.77/32')], 11).seen()).toEqual(['granted 10.0.0.77']);
  });

  test('is refused where the holder needs it, and looked for where the holder has it no more', () => {
    const script = new LeaseScript('10.0.0.0/24', [lease('b', '10.0.0.72/29')]).take('c1', '10.0.0.77').read().said('in-use');
    expect(script.seen().at(-1)).toBe('refused in-use');
    script.take('c1', '10.0.0.77').read().said('not-mine');
    expect(script.seen()).toEqual(['read', 'ask b: cede 10.0.0.77', 'read']);
    expect(script.read([], 12).seen()).toEqual(['change at 12: +a:10.0.0.77/32']);
  });

  test('of the own block is granted at once, once', () => {
    const script = new LeaseScript('10.0.0.0/24', [lease('a', '10.0.0.8/29')]);
    expect(script.take('c1', '10.0.0.11').take('c2', '10.0.0.11').take('c3', '10.0.0.1').seen()).toEqual([
      'granted 10.0.0.11',
      'refused in-use',
      'refused out-of-subnet',
    ]);
  });
});

describe('a peer asks', () => {
  const own = [lease('a', '10.0.0.8/29')];

  test('for an address: it is ceded, and never handed out here', () => {
    const script = new LeaseScript('10.0.0.0/24', own).peer(B, { kind: 'cede' }, '10.0.0.8').read();
    expect(script.seen()).toEqual(['read', 'change at 10: +b:10.0.0.8/32, kept first']);
    // Not even while it is not sure yet.
    expect(script.take('c1').seen()).toEqual(['granted 10.0.0.9']);
    expect(script.changed('done').take('c2').seen()).toEqual(['answer given', 'granted 10.0.0.10']);
    // It is given back: it is ours again.
    expect(script.agreed(own).take('c3').seen()).toEqual(['granted 10.0.0.8']);
  });

  test('for one that is in use, or not ours', () => {
    const script = new LeaseScript('10.0.0.0/24', own).take('c1');
    script.seen();
    expect(script.peer(B, { kind: 'cede' }, '10.0.0.8').read().seen()).toEqual(['read', 'answer in-use']);
    expect(script.peer(B, { kind: 'cede' }, '10.0.0.99').read().seen()).toEqual(['read', 'answer not-mine']);
  });

  test('for what is idle: the block shrinks to the used part', () => {
    const script = new LeaseScript('10.0.0.0/24', own).take('c1');
    script.seen();
    expect(script.peer(B, { kind: 'reclaim' }).read().changed('done').seen()).toEqual([
      'read',
      'change at 10: -a:10.0.0.8/29 +a:10.0.0.8/30, kept first',
      'answer given',
    ]);
    script.take('c2').take('c3').take('c4');
    script.seen();
    expect(script.peer(B, { kind: 'reclaim' }).read().seen()).toEqual(['read', 'answer none']);
  });

  test('for all of a network: returned unless a container is on it', () => {
    const script = new LeaseScript('10.0.0.0/24', own).take('c1');
    script.seen();
    expect(script.peer(B, { kind: 'return' }).read().seen()).toEqual(['read', 'answer in-use']);
    script.give('c1').peer(B, { kind: 'return' }).read().changed('done');
    expect(script.seen()).toEqual(['read', 'change at 10: -a:10.0.0.8/29, kept first', 'answer given']);
  });
});

describe('an unknown outcome', () => {
  const own = [lease('a', '10.0.0.8/29')];

  test('of something given up: in doubt until the guard has moved; an empty change moves it', () => {
    const script = new LeaseScript('10.0.0.0/24', own).peer(B, { kind: 'cede' }, '10.0.0.8').read().changed('unknown');
    expect(script.seen().at(-1)).toBe('answer no-agreement');
    expect(script.kept).toMatchObject([{ network: NET, pending: { guard: 10, add: [lease('b', '10.0.0.8/32')] } }]);
    expect(script.take('c1').seen()).toEqual(['granted 10.0.0.9']);
    expect(script.timer('resolve').read().seen()).toEqual(['read', 'change at 10: nothing']);
    expect(script.changed('done').read().seen()).toEqual(['read']);
    expect(script.take('c2').seen()).toEqual(['granted 10.0.0.8']);
  });

  test('survives a restart', () => {
    const pending = { guard: 10, add: [lease('b', '10.0.0.8/32')], remove: [] };
    const script = new LeaseScript('10.0.0.0/24', own, [{ network: NET, pending, floor: undefined, recent: [] }]);
    expect(script.take('c1').seen()).toEqual(['read', 'granted 10.0.0.9']);
    // It was made: the guard has moved, and the copy is behind.
    script.read([...own, lease('b', '10.0.0.8/32')], 11);
    expect(script.take('c2').seen()).toEqual(['granted 10.0.0.10']);
  });

  test('that certainly was not made is in doubt no more', () => {
    const script = new LeaseScript('10.0.0.0/24', own).peer(B, { kind: 'cede' }, '10.0.0.8').read().changed('unavailable');
    expect(script.take('c1').seen().at(-1)).toBe('granted 10.0.0.8');
  });
});

describe('the copy', () => {
  test('shows a lease revoked: its containers are told, once, and nothing of it is handed out', () => {
    const script = new LeaseScript('10.0.0.0/24', [lease('a', '10.0.0.8/29')]).take('c1').agreed([]);
    expect(script.seen()).toEqual(['granted 10.0.0.8', 'renumber c1']);
    expect(script.agreed([lease('b', '10.0.0.8/29')]).seen()).toEqual([]);
    expect(script.give('c1').take('c1').seen()).toEqual(['read']);
  });

  test('is not believed to have forgotten an address in use before something newer says so', () => {
    const script = new LeaseScript('10.0.0.0/24', [], [], { c1: '10.0.0.9' });
    expect(script.seen()).toEqual(['read']);
    expect(script.take('c1').seen()).toEqual(['granted 10.0.0.9']);
    expect(script.read([lease('a', '10.0.0.8/29')], 11).seen()).toEqual([]);
    expect(script.take('c2').seen()).toEqual(['granted 10.0.0.8']);
    const revoked = new LeaseScript('10.0.0.0/24', [], [], { c1: '10.0.0.9' }).read([], 5);
    expect(revoked.seen()).toEqual(['read', 'renumber c1']);
  });

  test('that is older than what was given up last is not handed out from', () => {
    const floor = { epoch: 1, revision: 12 };
    const script = new LeaseScript('10.0.0.0/24', [lease('a', '10.0.0.8/29')], [{ network: NET, pending: undefined, floor, recent: [] }]);
    expect(script.take('c1').seen()).toEqual(['read']);
    expect(script.read([], 12).seen()).toEqual(['change at 12: +a:10.0.0.0/29']);
  });
});

test('who takes another address while it has one has only that', () => {
  const script = new LeaseScript('10.0.0.0/24', [lease('a', '10.0.0.8/29')]).take('c1').take('c1', '10.0.0.12');
  for (const n of [2, 3, 4, 5, 6, 7]) script.take(`c${n}`);
  expect(script.take('c8').seen().slice(0, 9)).toEqual([8, 12, 9, 10, 11, 13, 14, 15, 8].map((n) => `granted 10.0.0.${n}`));
});

describe('another epoch', () => {
  const own = [lease('a', '10.0.0.8/29'), lease('a', '10.0.0.16/29'), lease('a', '10.0.0.24/29')];

  test('has other leases under lower revisions: what a read shows of it is so, and nothing of another’s is given back', () => {
    const script = new LeaseScript('10.0.0.0/24', own).take('c1').take('c2');
    script.seen();
    script.timer('idle').read([lease('b', '10.0.0.16/29'), lease('a', '10.0.0.24/29')], 3, 2);
    // It has one block left, in use by nobody, and two containers that are to have other addresses.
    expect(script.seen()).toEqual(['read', 'renumber c1', 'renumber c2']);
    expect(script.give('c1').take('c1').seen()).toEqual(['granted 10.0.0.24']);
  });

  test('of which the copy tells: a read of the one before is no answer', () => {
    const script = new LeaseScript('10.0.0.0/24', own);
    script.timer('idle').restored([]).read(own, 11, 1);
    expect(script.seen()).toEqual(['read']);
    expect(script.take('c1').read([], 3, 2).seen()).toEqual(['read', 'change at 3: +a:10.0.0.0/29']);
  });
});

test('what was given back last is handed out last, and that is remembered', () => {
  const script = new LeaseScript('10.0.0.0/24', [lease('a', '10.0.0.8/29')]);
  script.take('c1').take('c2').give('c1').give('c2').timer('keep');
  expect(script.seen()).toEqual(['granted 10.0.0.8', 'granted 10.0.0.9', 'keep']);
  expect(script.kept).toEqual([{ network: NET, pending: undefined, floor: undefined, recent: [ip('10.0.0.8'), ip('10.0.0.9')] }]);
  const again = new LeaseScript('10.0.0.0/24', [lease('a', '10.0.0.8/29')], script.kept);
  for (let i = 1; i <= 8; i++) again.take(`c${i}`);
  expect(again.seen().slice(0, 8)).toEqual([10, 11, 12, 13, 14, 15, 8, 9].map((n) => `granted 10.0.0.${n}`));
});

test('idle blocks go back after a while, if they are idle still', () => {
  const script = new LeaseScript('10.0.0.0/24', [lease('a', '10.0.0.8/29'), lease('a', '10.0.0.16/29'), lease('a', '10.0.0.24/29')]);
  script.take('c1').take('c2').take('c3');
  script.seen();
  // Three in use may have twelve at most to themselves.
  expect(script.timer('idle').read().changed('done').seen()).toEqual(['read', 'change at 10: -a:10.0.0.16/29, kept first']);
  script.give('c1').give('c2').give('c3');
  const [change] = script.timer('idle').read().seen().slice(1);
  expect(change).toBe('change at 11: -a:10.0.0.8/29 -a:10.0.0.24/29, kept first');
  const busy = new LeaseScript('10.0.0.0/24', [lease('a', '10.0.0.8/29')]).take('c1');
  expect(busy.timer('idle').seen()).toEqual(['granted 10.0.0.8']);
});
