import { EngineError } from '../port.ts';
import type { SeccompProfile } from './seccomp.ts';

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** `default`: this node's own profile. */
  readonly seccomp: 'default' | 'unconfined' | SeccompProfile;
}

/** A profile beyond this is none. */
const MOST_RULES = 4_096;

/** Docker's `--security-opt`s. Those of AppArmor and SELinux say nothing here: containers have neither. @throws EngineError */
export function parseSecurityOptions(options: readonly string[] = []): SecurityOptions {
  let noNewPrivileges = false;
  let seccomp: SecurityOptions['seccomp'] = 'default';
  for (const option of options) {
    const [, key = option, value = ''] = /^([\w-]+)[=:](.*)$/s.exec(option) ?? [];
    switch (key) {
      case 'no-new-privileges':
        noNewPrivileges = isTrue(option, value);
        break;
      case 'seccomp':
        seccomp = value === 'unconfined' ? 'unconfined' : value === 'builtin' || value === '' ? 'default' : parseProfile(value);
        break;
      case 'apparmor':
      case 'label':
        break;
      default:
        throw new EngineError('engine-failed', `invalid --security-opt 2: ${JSON.stringify(option.slice(0, 100))}`);
    }
  }
  return { noNewPrivileges, seccomp };
}

function isTrue(option: string, value: string): boolean {
  if (value === '' || value === 'true') return true;
  if (value === 'false') return false;
  throw new EngineError('engine-failed', `invalid --security-opt 2: ${JSON.stringify(option.slice(0, 100))}`);
}

/** The file format that Docker takes; one name a rule is its older form. */
function parseProfile(text: string): SeccompProfile {
  const refused = (why: string) => new EngineError('engine-failed', `Decoding seccomp profile failed: ${why}`);
  let profile: unknown;
  try {
    profile = JSON.parse(text);
  } catch (error) {
    throw refused(error instanceof Error ? error.message : String(error));
  }
  if (!isObject(profile) || !isAction(profile['defaultAction'])) throw refused('it has no defaultAction');
  const { defaultAction, defaultErrnoRet, syscalls = [] } = profile;
  if (!Array.isArray(syscalls) || syscalls.length > MOST_RULES) throw refused(`its syscalls are no list of at most ${MOST_RULES}`);
  return {
    defaultAction,
    ...(typeof defaultErrnoRet === 'number' ? { defaultErrnoRet } : {}),
    syscalls: (syscalls as unknown[]).map((rule) => {
      if (!isObject(rule) || !isAction(rule['action'])) throw refused('one of its rules has no action');
      const names = rule['names'] ?? (typeof rule['name'] === 'string' ? [rule['name']] : undefined);
      if (!isTexts(names)) throw refused('one of its rules has no names');
      const { action, errnoRet, args, includes, excludes } = rule;
      return {
        names,
        action,
        ...(typeof errnoRet === 'number' ? { errnoRet } : {}),
        ...(Array.isArray(args) ? { args: args as unknown[] } : {}),
        ...(isObject(includes) ? { includes: condition(includes) } : {}),
        ...(isObject(excludes) ? { excludes: condition(excludes) } : {}),
      };
    }),
  };
}

function condition({ arches, caps, minKernel }: Readonly<Record<string, unknown>>) {
  return {
    ...(isTexts(arches) ? { arches } : {}),
    ...(isTexts(caps) ? { caps } : {}),
    ...(typeof minKernel === 'string' ? { minKernel } : {}),
  };
}

const isAction = (value: unknown): value is string => typeof value === 'string' && /^SCMP_ACT_[A-Z_]+$/.test(value);
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((each) => typeof each === 'string');
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
