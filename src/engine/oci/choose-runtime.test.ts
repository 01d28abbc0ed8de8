import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mount, mountPointsBelow, unmount } from '../../linux/mount.ts';
import { type ChooseOptions, chooseRuntime } from './choose-runtime.ts';
import { EnginePaths } from './engine-paths.ts';
import type { RuntimeName } from './runtime.ts';
import type { RuntimeSpec } from './runtime-spec.ts';

/** <linux/mount.h> */
const MS_NOEXEC = 8;

let dir: string;
let warnings: string[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'choose-'));
  warnings = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A program that passes or fails the self-test's `create`. */
function program(name: RuntimeName, passes: boolean): string {
  const path = join(dir, name);
  const create = `*" create "*) echo broken > "$4"; exit ${passes ? 0 : 1};;`;
  writeFileSync(path, `#!/bin/sh\ncase " $* " in *" --version "*) echo "${name} version 9.1";; ${create} esac\n`, { mode: 0o755 });
  return path;
}

function options(version: 1 | 2, preferred: RuntimeName | undefined, broken?: RuntimeName): ChooseOptions {
  return {
    paths: new EnginePaths(join(dir, 'data'), join(dir, 'run')),
    programs: { runc: program('runc', broken !== 'runc'), crun: program('crun', broken !== 'crun') },
    preferred,
    trees: { version, hybrid: false, roots: [] },
    cgroupParent: '/test',
    testSpec: () => ({}) as RuntimeSpec,
    log: (level, message) => {
      if (level === 'warn') warnings.push(message);
    },
  };
}

describe('chooseRuntime', () => {
  it.each([
    [1, undefined, undefined, 'runc'],
    [2, undefined, undefined, 'crun'],
    [1, 'crun', undefined, 'crun'],
    [2, 'runc', undefined, 'runc'],
    [1, undefined, 'runc', 'crun'],
    [1, 'crun', 'crun', 'runc'],
  ] as const)('on cgroup v%d, preferring %s, with a broken %s, takes %s', async (version, preferred, broken, expected) => {
    const runtimes = await chooseRuntime(options(version, preferred, broken));
    expect([runtimes.chosen.name, runtimes.version]).toEqual([expected, '9.1']);
    expect(runtimes.named('crun').name).toBe('crun');
    if (broken === undefined) expect(warnings).toEqual([]);
    else expect(warnings).toEqual([expect.stringMatching(new RegExp(`${broken} failed its self-test: broken`))]);
  });

  it('also where the run directory is mounted noexec, as /run is under systemd', async () => {
    const run = join(dir, 'run');
    mkdirSync(run);
    mount('caravela-test', run, 'tmpfs', MS_NOEXEC);
    try {
      const usual = options(2, 'runc');
      const script = `#!/bin/sh\ncase " $* " in *" --version "*) echo "runc version 9.1";; *" create "*) [ -x "$7/rootfs/true" ];; esac\n`;
      writeFileSync(join(dir, 'runc'), script, { mode: 0o755 });
      expect((await chooseRuntime(usual)).chosen.name).toBe('runc');
      expect(await mountPointsBelow(run)).toEqual([run]);
    } finally {
      unmount(run);
    }
  });

  it('says what each lacks when none passes', async () => {
    const both = options(1, undefined, 'runc');
    const crun = program('crun', false);
    await expect(chooseRuntime({ ...both, programs: { ...both.programs, crun } })).rejects.toThrow(/runc failed.*crun failed/s);
  });
});
