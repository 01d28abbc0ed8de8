import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { hostGoesDown } from './host-goes-down.ts';

it.each([
  ['stopping', 1, true],
  ['running', 0, false],
  ['degraded', 1, false],
  ['offline', 1, false],
])('takes "%s" from systemctl, code %d, for %s', async (state, code, expected) => {
  const dir = mkdtempSync(join(tmpdir(), 'caravela-systemctl-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const systemctl = join(dir, 'systemctl');
  writeFileSync(systemctl, `#!/bin/sh\n[ "$*" = is-system-running ] && echo ${state}\nexit ${code}\n`, { mode: 0o755 });
  expect(await hostGoesDown(systemctl)).toBe(expected);
});

it('knows of no shutdown without systemd', async () => {
  expect(await hostGoesDown('/no/systemctl')).toBe(false);
});
