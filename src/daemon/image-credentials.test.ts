import { expect, test } from 'vitest';
import { containerId } from '../core/model/index.ts';
import { ImageCredentials } from './image-credentials.ts';

const ME = { username: 'me', password: 'secret' };
const container = containerId('ab'.repeat(32));

test('keeps what a pull was given for its repository, for ten minutes', () => {
  let nowMs = 0;
  const kept = new ImageCredentials(() => nowMs);
  kept.keep('10.0.0.1:5000/x:1', ME);
  kept.keep('10.0.0.1:5000/y:1', undefined);
  expect(kept.of('10.0.0.1:5000/x:2')).toBe(ME);
  expect(kept.of(`10.0.0.1:5000/x@sha256:${'a'.repeat(64)}`)).toBe(ME);
  expect(kept.of('10.0.0.1:5000/xx:1')).toBeUndefined();
  expect(kept.of('10.0.0.1:5000/y:1')).toBeUndefined();
  nowMs = 600_000;
  expect(kept.of('10.0.0.1:5000/x:2')).toBeUndefined();
});

test('keeps the newest of many', () => {
  const kept = new ImageCredentials(() => 0);
  for (let n = 0; n < 300; n++) kept.keep(`r/x${n}:1`, ME);
  expect(kept.of('r/x299:1')).toBe(ME);
  expect(kept.of('r/x0:1')).toBeUndefined();
});

test('lends while a run is under way, however it ends', async () => {
  const kept = new ImageCredentials(() => 0);
  kept.keep('r/x:1', ME);
  const images = () => [[container, 'r/x:1'] as const];
  const seen = await kept.lendWhile(images, async () => kept.lentFor(container));
  expect(seen).toBe(ME);
  expect(kept.lentFor(container)).toBeUndefined();
  const failing = kept.lendWhile(images, async () => {
    throw new Error('no room');
  });
  await expect(failing).rejects.toThrow('no room');
  expect(kept.lentFor(container)).toBeUndefined();
});

test('does not look at what runs where nothing is kept', async () => {
  const kept = new ImageCredentials(() => 0);
  const images = () => {
    throw new Error('looked');
  };
  expect(await kept.lendWhile(images, async () => 1)).toBe(1);
});
