import { type Command } from 'commander';
import type { HealthConfig } from '../../docker-api/types.ts';
import { integer, value } from '../commands/options.ts';
import { EXIT, Failure } from '../failure.ts';
import { parseDuration } from '../parse/duration.ts';

/** What of `run` and `container create` concerns health checks, as commander gives it. Times in ms. */
export interface HealthOptions {
  readonly healthCmd?: string;
  readonly healthInterval?: number;
  readonly healthTimeout?: number;
  readonly healthStartPeriod?: number;
  readonly healthStartInterval?: number;
  readonly healthRetries?: number;
  /** `--no-healthcheck`: false. */
  readonly healthcheck?: boolean;
}

const NS_PER_MS = 1_000_000;

export function addHealthOptions(command: Command): void {
  command
    .option('--health-cmd <command>', 'a shell command that tells whether it does well')
    .option('--health-interval <time>', 'between two of them: 30s', value(parseDuration))
    .option('--health-timeout <time>', 'how long one may take', value(parseDuration))
    .option('--health-start-period <time>', 'how long it may fail at first', value(parseDuration))
    .option('--health-start-interval <time>', 'between two of them at first', value(parseDuration))
    .option('--health-retries <n>', 'so many failures mean that it does not', integer(0, 1_000_000))
    .option('--no-healthcheck', "without the image's check");
}

/** Undefined: the image's. @throws Failure */
export function healthConfig(options: HealthOptions): HealthConfig | undefined {
  const { healthCmd, healthInterval, healthTimeout, healthStartPeriod, healthStartInterval, healthRetries, healthcheck } = options;
  const times = { Interval: healthInterval, Timeout: healthTimeout, StartPeriod: healthStartPeriod, StartInterval: healthStartInterval };
  const said = Object.entries(times).flatMap(([key, ms]) => (ms === undefined ? [] : [[key, ms * NS_PER_MS] as const]));
  const isAny = healthCmd !== undefined || healthRetries !== undefined || said.length > 0;
  if (healthcheck === false) {
    if (isAny) throw new Failure('--no-healthcheck takes the check away that --health-… options speak of: choose', EXIT.refused);
    return { Test: ['NONE'] };
  }
  if (!isAny) return undefined;
  return {
    ...(healthCmd === undefined ? {} : { Test: healthCmd === '' ? [] : ['CMD-SHELL', healthCmd] }),
    ...Object.fromEntries(said),
    ...(healthRetries === undefined ? {} : { Retries: healthRetries }),
  };
}
