import { describe, expect, test } from 'vitest';
import { containerId } from './ids.ts';
import type { Affinity } from './request.ts';
import { affinityWords, imageRepository, isMeant, plainImage, unmet } from './affinity.ts';
import type { Neighbour } from './affinity.ts';

const id = containerId('cafe'.repeat(16));
const db: Neighbour = { containerId: id, name: 'db-1', labels: { app: 'db', tier: 'back' }, image: 'docker.io/library/redis:latest' };
const affinity = (change: Partial<Affinity>): Affinity => ({
  subject: 'container',
  key: '',
  operator: '==',
  value: 'db-1',
  soft: false,
  ...change,
});

describe('what an affinity speaks of', () => {
  test.each([
    ['its name', affinity({}), true],
    ['a glob over it', affinity({ value: 'db-*' }), true],
    ['its whole id', affinity({ value: id }), true],
    ['its short id', affinity({ value: id.slice(0, 12) }), true],
    ['fewer digits are a word', affinity({ value: 'cafe' }), false],
    ['another name', affinity({ value: 'db' }), false],
    ['its image as people write it', affinity({ subject: 'image', value: 'redis' }), true],
    ['its image in full', affinity({ subject: 'image', value: 'docker.io/library/redis:latest' }), true],
    ['a glob over it', affinity({ subject: 'image', value: 'red*' }), true],
    ['another tag', affinity({ subject: 'image', value: 'redis:7' }), false],
    ['a label', affinity({ subject: 'label', key: 'app', value: 'd*' }), true],
    ["a label's other value", affinity({ subject: 'label', key: 'app', value: 'web' }), false],
    ['a label it lacks', affinity({ subject: 'label', key: 'toString', value: '*' }), false],
  ])('%s', (_, given, expected) => expect(isMeant(given, db)).toBe(expected));
});

test('images by the words people use', () => {
  expect(plainImage('docker.io/library/redis:latest')).toBe('redis');
  expect(plainImage('docker.io/grafana/grafana:11')).toBe('grafana/grafana:11');
  expect(plainImage('library/redis')).toBe('redis');
  expect(plainImage('quay.io:443/org/app')).toBe('quay.io:443/org/app');
  for (const [reference, repository] of [
    ['docker.io/library/redis:latest', 'redis'],
    ['docker.io/library/redis:*', 'redis'],
    ['quay.io:443/org/app:1', 'quay.io:443/org/app'],
    ['quay.io:443/org/app', 'quay.io:443/org/app'],
    [`redis:7@sha256:${'0'.repeat(64)}`, 'redis'],
  ] as const) {
    expect(imageRepository(reference)).toBe(repository);
  }
});

test('a node is told by what it has or lacks', () => {
  const why = (...affinities: Affinity[]): string | undefined => unmet(affinities, [db])?.detail;
  expect(why(affinity({}), affinity({ subject: 'image', operator: '!=', value: 'nginx' }))).toBeUndefined();
  expect(why(affinity({ value: 'web' }))).toBe('has no container web');
  expect(why(affinity({ subject: 'image', value: 'nginx' }))).toBe('has no container of image nginx');
  expect(why(affinity({ subject: 'label', key: 'app', operator: '!=', value: 'db' }))).toBe(
    'has a container with label app=db already (db-1)',
  );
  expect(unmet([affinity({ operator: '!=' })], [])).toBeUndefined();
});

test('as it is written on the command line', () => {
  expect(affinityWords(affinity({}))).toBe('container==db-1');
  expect(affinityWords(affinity({ subject: 'label', key: 'app', operator: '!=', value: 'web*', soft: true }))).toBe('app!=~web*');
});
