import { describe, expect, it } from 'vitest';
import { readSeccompProfile, seccompFor } from './seccomp.ts';

const host = { arch: 'x64', kernel: '6.1.0-18-amd64' };
const names = (caps: string[], profile = readSeccompProfile('/usr/share/containers/seccomp.json')): Set<string> => {
  if (profile === undefined) throw new Error('install golang-github-containers-common: its seccomp.json is missing');
  const allowed = seccompFor(profile, caps, host)?.syscalls.filter((rule) => rule.action === 'SCMP_ACT_ALLOW') ?? [];
  return new Set(allowed.flatMap((rule) => rule.names));
};

describe('seccompFor', () => {
  it('allows by capability', () => {
    expect(names([]).has('read')).toBe(true);
    expect(names([]).has('settimeofday')).toBe(false);
    expect(names(['CAP_SYS_TIME']).has('settimeofday')).toBe(true);
  });

  it('takes the native architecture alone', () => {
    const profile = readSeccompProfile('/usr/share/containers/seccomp.json');
    expect(profile && seccompFor(profile, [], host)?.architectures).toEqual(['SCMP_ARCH_X86_64']);
    expect(profile && seccompFor(profile, [], { ...host, arch: 's390x' })).toBeUndefined();
    expect(names([]).has('arch_prctl')).toBe(true);
    expect(names([]).has('arm_fadvise64_64')).toBe(false);
  });

  it('copies what a runtime knows and nothing else', () => {
    const rule = { names: ['x'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, args: [], comment: 'why', excludes: { caps: ['CAP_X'] } };
    const profile = { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38, syscalls: [rule] };
    expect(seccompFor(profile, [], host)).toEqual({
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [{ names: ['x'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
    });
    expect(seccompFor(profile, ['CAP_X'], host)?.syscalls).toEqual([]);
  });

  it('compares kernels by number', () => {
    const rule = { names: ['x'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '4.8' } };
    const profile = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule] };
    expect(seccompFor(profile, [], { arch: 'x64', kernel: '4.10.1' })?.syscalls).toHaveLength(1);
    expect(seccompFor(profile, [], { arch: 'x64', kernel: '4.4.0' })?.syscalls).toHaveLength(0);
  });
});

it('knows no profile where there is none', () => {
  expect(readSeccompProfile('/nonexistent')).toBeUndefined();
});
