import type { SpecExtras } from '../port.ts';

/** How a container's health is looked at. */
export interface HealthCheck {
  readonly argv: readonly [string, ...string[]];
  /** Between a check's end and the next. */
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** After the container's start, in which failures do not count before the first success. */
  readonly startPeriodMs: number;
  /** So many failures in a row make it unhealthy; at least 1. */
  readonly retries: number;
}

const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, retries: 3 };
const SHELL = ['/bin/sh', '-c'];
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const NS_PER_MS = 1e6;

type Asked = NonNullable<SpecExtras['healthcheck']>;

/**
 * Docker's rules: each thing that was not asked for (empty, 0) is as the image says, else Docker's default; `NONE` is no
 * check. Pure. @param image its configuration's `config`: whatever somebody wrote there; what is of no use counts as absent
 */
export function healthCheckOf(
  asked: Asked | undefined,
  image: { readonly Healthcheck?: unknown; readonly Shell?: unknown },
): HealthCheck | undefined {
  const its = isObject(image.Healthcheck) ? image.Healthcheck : {};
  const test = asked !== undefined && asked.test.length > 0 ? asked.test : textList(its['Test']);
  const argv = argvOf(test, textList(image.Shell));
  if (argv === undefined) return undefined;
  const ms = (ns: number | undefined, key: string, otherwise: number): number => {
    const chosen = positive(ns) ?? positive(its[key]);
    return chosen === undefined ? otherwise : Math.min(Math.max(1, Math.round(chosen / NS_PER_MS)), LONGEST_TIMER_MS);
  };
  return {
    argv,
    intervalMs: ms(asked?.interval, 'Interval', DEFAULTS.intervalMs),
    timeoutMs: ms(asked?.timeout, 'Timeout', DEFAULTS.timeoutMs),
    startPeriodMs: ms(asked?.startPeriod, 'StartPeriod', DEFAULTS.startPeriodMs),
    retries: Math.max(1, Math.round(positive(asked?.retries) ?? positive(its['Retries']) ?? DEFAULTS.retries)),
  };
}

function argvOf([kind, ...rest]: readonly string[], shell: readonly string[]): HealthCheck['argv'] | undefined {
  const [program, ...args] = rest;
  if (program === undefined) return undefined;
  if (kind === 'CMD') return [program, ...args];
  if (kind !== 'CMD-SHELL') return undefined;
  const [its = '', ...flags] = shell.length > 0 ? shell : SHELL;
  return [its, ...flags, program];
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null;

function textList(value: unknown): string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && !each.includes('\0')) ? (value as string[]) : [];
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}
