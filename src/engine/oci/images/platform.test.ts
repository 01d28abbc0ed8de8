import { describe, expect, it } from 'vitest';
import type { Platform } from './documents.ts';
import { choosePlatform, describePlatforms, runsOn } from './platform.ts';

const platform = (architecture: string, variant = '', os = 'linux'): Platform => ({ os, architecture, variant });
const entries = (...platforms: (Platform | undefined)[]) =>
  platforms.map((each, i) => ({ mediaType: '', digest: `sha256:${String(i).repeat(64)}`, sizeBytes: 1, platform: each, annotations: {} }));

describe('the choice from an index', () => {
  it.each<[string, Platform, Platform[], number | undefined]>([
    ['takes the own architecture', platform('amd64'), [platform('arm64', 'v8'), platform('amd64')], 1],
    [
      'takes the highest variant it can run',
      platform('arm', 'v7'),
      [platform('arm', 'v6'), platform('arm', 'v7'), platform('arm', 'v5')],
      1,
    ],
    ['takes a lower variant', platform('arm', 'v6'), [platform('arm', 'v7'), platform('arm', 'v5')], 1],
    ['counts arm64 as v8', platform('arm64'), [platform('arm64', 'v8')], 0],
    ['leaves amd64/v3 where the variant is not known', platform('amd64'), [platform('amd64', 'v3'), platform('amd64')], 1],
    ['leaves attestations', platform('amd64'), [platform('unknown', '', 'unknown')], undefined],
    ['leaves other systems', platform('amd64'), [platform('amd64', '', 'windows')], undefined],
  ])('%s', (_, own, offered, expected) => {
    const list = entries(...offered);
    expect(choosePlatform(list, own)).toBe(expected === undefined ? undefined : list[expected]);
  });

  it('never takes an entry without a platform', () => {
    expect(choosePlatform(entries(undefined), platform('amd64'))).toBeUndefined();
  });
});

it('an image that does not say where it runs is taken at its word', () => {
  expect(runsOn(platform('', '', ''), platform('amd64'))).toBe(true);
  expect(runsOn(platform('arm64'), platform('amd64'))).toBe(false);
});

it('platforms are told in words', () => {
  expect(describePlatforms([platform('arm', 'v7'), undefined, platform('unknown', '', 'unknown')])).toBe('linux/arm/v7');
  expect(describePlatforms([])).toBe('no platform at all');
});
