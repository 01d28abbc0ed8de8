import { readFileSync } from 'node:fs';
import { EngineError, type SpecExtras } from '../port.ts';

/** process.rlimits' values: a number that JSON can say is too small for "no limit". */
type Amount = number | object;
export interface RuntimeLimit {
  readonly type: string;
  readonly soft: Amount;
  readonly hard: Amount;
}

/** As setrlimit(2)'s resources are called in /proc/PID/limits. */
const NAMES: Readonly<Record<string, string>> = {
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  locks: 'Max file locks',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rss: 'Max resident set',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
  sigpending: 'Max pending signals',
  stack: 'Max stack size',
};

export interface OwnLimits {
  /** By our name; Infinity: none. */
  readonly hard: ReadonlyMap<string, number>;
  /** Whether this process may give more than it has (CAP_SYS_RESOURCE). */
  readonly mayRaise: boolean;
}

/**
 * `--ulimit`s as the runtime takes them. What is beyond this daemon's own hard limit is cut to that, where it may give
 * no more: `onCut` is told. @throws EngineError in Docker's words
 */
export function runtimeLimits(
  asked: NonNullable<SpecExtras['ulimits']>,
  own: OwnLimits,
  onCut: (name: string, asked: number, given: number) => void,
): RuntimeLimit[] {
  return asked.map(({ name, soft, hard }) => {
    if (NAMES[name] === undefined) throw new EngineError('engine-failed', `invalid ulimit type: ${name}`);
    const wanted = { soft: unlimited(soft), hard: unlimited(hard) };
    if (wanted.soft > wanted.hard) {
      throw new EngineError('engine-failed', `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
    }
    const most = own.mayRaise ? Number.POSITIVE_INFINITY : (own.hard.get(name) ?? Number.POSITIVE_INFINITY);
    if (wanted.hard > most) onCut(name, hard, most);
    return {
      type: `RLIMIT_${name.toUpperCase()}`,
      soft: amount(Math.min(wanted.soft, most)),
      hard: amount(Math.min(wanted.hard, most)),
    };
  });
}

export function ownLimits(capabilities: ReadonlySet<string>, text = readFileSync('/proc/self/limits', 'utf8')): OwnLimits {
  const hard = Object.entries(NAMES).map(([name, title]): [string, number] => {
    const [, , value = 'unlimited'] = new RegExp(`^${title} +(\\S+) +(\\S+)`, 'm').exec(text) ?? [];
    return [name, value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value)];
  });
  return { hard: new Map(hard), mayRaise: capabilities.has('CAP_SYS_RESOURCE') };
}

const unlimited = (value: number): number => (value < 0 ? Number.POSITIVE_INFINITY : value);

/** The kernel's "no limit" is 2^64 - 1, which a number would round up to one too many. */
function amount(value: number): Amount {
  const json = JSON as unknown as { rawJSON(text: string): object };
  return value === Number.POSITIVE_INFINITY ? json.rawJSON(String(2n ** 64n - 1n)) : value;
}
