import { readFileSync } from 'node:fs';

/** The OCI runtime spec's linux.seccomp. */
export interface OciSeccomp {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly OciSyscalls[];
}
interface OciSyscalls {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly unknown[];
}

/** The file format that Docker and Podman share: rules with conditions on architecture and capabilities. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap?: readonly { readonly architecture: string }[];
  readonly syscalls: readonly (OciSyscalls & { readonly includes?: Condition; readonly excludes?: Condition })[];
}
interface Condition {
  readonly arches?: readonly string[];
  readonly caps?: readonly string[];
  /** `4.8`: from this kernel on. */
  readonly minKernel?: string;
}

const ARCHITECTURES: Readonly<Record<string, { readonly go: string; readonly seccomp: string }>> = {
  x64: { go: 'amd64', seccomp: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', seccomp: 'SCMP_ARCH_AARCH64' },
};

/** undefined where there is no such file, or none that reads as a profile. */
export function readSeccompProfile(path: string): SeccompProfile | undefined {
  try {
    const profile = JSON.parse(readFileSync(path, 'utf8')) as SeccompProfile;
    return typeof profile.defaultAction === 'string' && Array.isArray(profile.syscalls) ? profile : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The profile as one container needs it. Only the native architecture is listed: compiling the
 * filters of the 32-bit ones, too, is 20 of a start's milliseconds; their system calls are then
 * refused as a whole.
 */
export function seccompFor(
  profile: SeccompProfile,
  capabilities: readonly string[],
  host: { arch: string; kernel: string },
): OciSeccomp | undefined {
  const native = ARCHITECTURES[host.arch];
  if (native === undefined) return undefined;
  const meets = (condition: Condition): boolean =>
    (condition.arches === undefined || condition.arches.includes(native.go)) &&
    (condition.caps === undefined || condition.caps.every((name) => capabilities.includes(name))) &&
    (condition.minKernel === undefined || atLeast(host.kernel, condition.minKernel));
  const excluded = (condition: Condition): boolean =>
    condition.arches?.includes(native.go) === true || condition.caps?.some((name) => capabilities.includes(name)) === true;
  const syscalls = profile.syscalls
    .filter((rule) => meets(rule.includes ?? {}) && !excluded(rule.excludes ?? {}))
    .map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet === undefined ? {} : { errnoRet }),
      ...(args === undefined || args === null || args.length === 0 ? {} : { args }),
    }));
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures: [native.seccomp],
    syscalls,
  };
}

function atLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split(/[.-]/).map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
