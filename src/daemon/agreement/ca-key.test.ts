import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { instanceId } from '../../core/model/index.ts';
import { createAuthority } from '../../transport/trust/authority.ts';
import { CaKey } from './ca-key.ts';

it('is kept for root alone, is that of this instance, and leaves nothing when it is dropped', async ({ onTestFinished }) => {
  const dir = mkdtempSync(join(tmpdir(), 'ca-key-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const [ours, theirs] = [await createAuthority(instanceId('a'.repeat(32))), await createAuthority(instanceId('b'.repeat(32)))];
  const path = join(dir, 'ca.key');
  // As a power cut in the midst of a write leaves it.
  writeFileSync(`${path}.new`, ours.privateKeyPem);
  const key = new CaKey(path, ours.certificatePem);
  expect([key.isHere, readdirSync(dir)]).toEqual([false, []]);
  expect(() => key.take(theirs.privateKeyPem)).toThrow(/not that of this instance/);
  expect(() => key.authority()).toThrow(/does not hold the key/);
  key.take(ours.privateKeyPem);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(new CaKey(path, ours.certificatePem).authority()).toEqual(ours);
  key.drop();
  expect([key.isHere, existsSync(path), readdirSync(dir)]).toEqual([false, false, []]);
});
