import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnv, parseEnvFile, parseLabels } from './assignments.ts';
import { parseCpus } from '../../lib/cpus.ts';
import { parseDuration } from './duration.ts';
import { parseMoment } from './moment.ts';
import { parseRestartPolicy } from './restart-policy.ts';
import { parseMemory, parseSize } from '../../lib/size.ts';

const MIB = 2 ** 20;

describe('sizes', () => {
  it.each([
    ['0', 0],
    ['512', 512],
    ['4b', 4],
    ['1k', 1024],
    ['256m', 256 * MIB],
    ['256M', 256 * MIB],
    ['256mb', 256 * MIB],
    ['64MiB', 64 * MIB],
    ['1.5g', 1536 * MIB],
    ['2 g', 2048 * MIB],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it('takes a bare memory number below 6 Mi for MiB, and every other for bytes', () => {
    expect(parseMemory('256')).toBe(256 * MIB);
    expect(parseMemory('6291455')).toBe(6_291_455 * MIB);
    expect(parseMemory('6291456')).toBe(6_291_456);
    expect(parseMemory('4096k')).toBe(4 * MIB);
    expect(parseMemory('512b')).toBe(512);
  });

  it.each(['', 'x', '-1', '1x', '1mm', '1e3', 'm', '99999999999999999p'])('refuses %j, naming it', (text) => {
    expect(() => parseSize(text)).toThrow(JSON.stringify(text));
  });

  it('reads back every whole number of MiB', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 30 }), (n) => {
        expect(parseMemory(`${n}m`)).toBe(n * MIB);
      }),
    );
  });
});

describe('cpus, durations, moments', () => {
  it('reads CPUs as billionths', () => {
    expect([parseCpus('2'), parseCpus('0.5'), parseCpus('.25'), parseCpus('1.'), parseCpus('0.001')]).toEqual([2e9, 5e8, 2.5e8, 1e9, 1e6]);
    for (const text of ['', 'two', '-1', '1e3', '70000']) expect(() => parseCpus(text)).toThrow(JSON.stringify(text));
  });

  it('reads durations', () => {
    expect(['24h', '1h30m', '90s', '500ms', '7d', '1.5h'].map(parseDuration)).toEqual([
      86_400_000, 5_400_000, 90_000, 500, 604_800_000, 5_400_000,
    ]);
    for (const text of ['', '10', 'h', '1x', '1h!', ' 1h']) expect(() => parseDuration(text)).toThrow(JSON.stringify(text));
  });

  it('reads moments', () => {
    expect(parseMoment('10m', 1_000_000)).toBe('400.000000000');
    expect(parseMoment('1700000000.5', 0)).toBe('1700000000.5');
    expect(parseMoment('2026-01-31T12:00:00.250Z', 0)).toBe('1769860800.250000000');
    expect(() => parseMoment('yesterday', 0)).toThrow('"yesterday"');
  });
});

describe('assignments and policies', () => {
  it('passes on our own variables by their name alone, and drops what we lack', () => {
    expect(parseEnv(['A=1', 'B', 'C', 'D='], { B: 'two words' })).toEqual(['A=1', 'B=two words', 'D=']);
    expect(() => parseEnv(['=x'], {})).toThrow('"=x"');
  });

  it('reads env files', () => {
    expect(parseEnvFile('\uFEFF# note\r\nA=1 # kept\n\n  B\nC=x=y', { B: 'b' })).toEqual(['A=1 # kept', 'B=b', 'C=x=y']);
    expect(() => parseEnvFile('A B=1', {})).toThrow('A B=1');
  });

  it('reads labels and restart policies', () => {
    expect(parseLabels(['a=b=c', 'd'])).toEqual({ a: 'b=c', d: '' });
    expect(parseRestartPolicy('on-failure:5')).toEqual({ Name: 'on-failure', MaximumRetryCount: 5 });
    expect(parseRestartPolicy('always')).toEqual({ Name: 'always', MaximumRetryCount: 0 });
    for (const text of ['', 'sometimes', 'always:3', 'on-failure:x']) expect(() => parseRestartPolicy(text)).toThrow(JSON.stringify(text));
  });
});
