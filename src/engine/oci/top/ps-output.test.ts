import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { falsePid, parsePs } from './ps-output.ts';

describe('parsePs', () => {
  it('keeps the lines of the container’s processes, and commands whole', () => {
    const output = [
      'UID          PID    PPID  C STIME TTY          TIME CMD',
      'root           1       0  0 10:00 ?        00:00:01 /sbin/init',
      'root          42       1  0 10:01 ?        00:00:00 sh -c sleep  60',
      '1000          43      42  0 10:01 ?        00:00:00 sleep 60',
      '',
    ].join('\n');
    expect(parsePs(output, new Set([42, 43]))).toEqual({
      titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
      processes: [
        ['root', '42', '1', '0', '10:01', '?', '00:00:00', 'sh -c sleep 60'],
        ['1000', '43', '42', '0', '10:01', '?', '00:00:00', 'sleep 60'],
      ],
    });
  });

  it('keeps threads with their process', () => {
    const output = '  PID   LWP CMD\n   42     - a\n    -    42 -\n   99     - b\n    -    99 -\n';
    expect(parsePs(output, new Set([42]))?.processes).toEqual([
      ['42', '-', 'a'],
      ['-', '42', '-'],
    ]);
  });

  it('says where there is no PID', () => {
    expect(parsePs('USER COMMAND\nroot init\n', new Set([1]))).toBeUndefined();
    expect(parsePs('', new Set([1]))).toBeUndefined();
  });

  it('shows no other process’s line, whatever is printed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(50), fc.string())), fc.uniqueArray(fc.nat(50)), (lines, pids) => {
        const output = ['PID CMD', ...lines.map(([pid, command]) => `${pid} ${command.replaceAll('\n', ' ')}`)].join('\n');
        const shown = parsePs(output, new Set(pids))?.processes ?? [];
        expect(shown.every(([pid]) => pids.includes(Number(pid)))).toBe(true);
        expect(shown).toHaveLength(lines.filter(([pid]) => pids.includes(pid)).length);
      }),
    );
  });
});

describe('falsePid', () => {
  it.each([
    [['-o', 'user=PID,pid'], 'user=PID'],
    [['-eo', 'pid,comm=PIDX'], 'comm=PIDX'],
    [['-o', 'pid=PID,cmd'], undefined],
    [['-ef'], undefined],
  ])('%j: %s', (args, expected) => {
    expect(falsePid(args)).toBe(expected);
  });
});
