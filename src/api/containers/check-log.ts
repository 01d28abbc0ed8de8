import type { LogWish } from '../../engine/port.ts';
import { ApiError } from '../http/api-error.ts';

export interface LogConfig {
  readonly Type?: string | undefined;
  readonly Config?: Readonly<Record<string, string>> | null | undefined;
}

export interface CheckedLog {
  /** undefined: as it is for all that don't ask. */
  readonly log: LogWish | undefined;
  readonly warnings: readonly string[];
}

/** All but `none` mean our own log; the names are those that clients know it by. */
const DRIVERS = ['json-file', 'local', 'k8s-file', 'none'];
/** They choose what `logs --details` shows. */
const SHOWN = ['labels', 'env'];
/** Docker's others: they change nothing that is lost without them. */
const WITHOUT_EFFECT = ['compress', 'tag', 'labels-regex', 'env-regex', 'mode', 'max-buffer-size'];
const MOST_OPTIONS = 32;
const MOST_OPTION_CHARS = 4_096;
/** Each is open while the log is read from its beginning. */
const MOST_FILES = 100;
/** conmon counts them in 63 bits; no disk holds more than this. */
const MOST_FILE_BYTES = 2 ** 50;
const UNITS = ['', 'k', 'm', 'g', 't'];
/** Docker's for `local`. */
const LOCAL = { fileBytes: 20_000_000, files: 5 };

/** HostConfig.LogConfig. @throws ApiError 400, 501: Docker's words where it has some */
export function checkLog(config: LogConfig | null | undefined): CheckedLog {
  const asked = config?.Type ?? '';
  const driver = asked === '' ? 'json-file' : asked;
  const options = config?.Config ?? {};
  if (!DRIVERS.includes(driver)) {
    throw new ApiError(
      501,
      `Caravela does not have the log driver ${JSON.stringify(driver.slice(0, 80))} (HostConfig.LogConfig.Type), only ${DRIVERS.join(', ')}; leave --log-driver out`,
    );
  }
  const names = Object.keys(options);
  if (names.length > MOST_OPTIONS) throw new ApiError(400, `a log driver may have ${MOST_OPTIONS} options, got ${names.length}`);
  for (const name of names) checkOption(driver, name, options[name] ?? '');
  if (asked === '' && names.length === 0) return { log: undefined, warnings: [] };
  const ignored = names.filter((name) => WITHOUT_EFFECT.includes(name));
  return {
    log: { driver, options, ...boundsOf(driver, options) },
    warnings: ignored.length === 0 ? [] : [`Log options that have no effect here are ignored: ${ignored.join(', ')}.`],
  };
}

function checkOption(driver: string, name: string, value: string): void {
  const known = driver === 'none' ? [] : ['max-size', 'max-file', ...SHOWN, ...WITHOUT_EFFECT];
  if (!known.includes(name)) throw new ApiError(400, `unknown log opt '${name.slice(0, 80)}' for ${driver} log driver`);
  if (value.length > MOST_OPTION_CHARS)
    throw new ApiError(400, `a log option may have ${MOST_OPTION_CHARS} characters, ${name} has ${value.length}`);
}

function boundsOf(driver: string, options: Readonly<Record<string, string>>): Pick<LogWish, 'fileBytes' | 'files'> {
  const usual = driver === 'local' ? LOCAL : {};
  const size = options['max-size'];
  const files = options['max-file'];
  return {
    ...usual,
    // With a size alone Docker keeps one file: no more than that is what was asked for.
    ...(size === undefined ? {} : { fileBytes: bytesOf(size), files: driver === 'local' ? LOCAL.files : 1 }),
    ...(files === undefined ? {} : { files: filesOf(files) }),
  };
}

/** Decimal, as Docker takes it here: 10m is 10,000,000. */
function bytesOf(text: string): number {
  const [, figure, unit] = /^(\d{1,15}(?:\.\d{1,9})?) ?([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(figure) * 1_000 ** UNITS.indexOf((unit ?? '').toLowerCase()));
  if (bytes >= 1 && bytes <= MOST_FILE_BYTES) return bytes;
  throw new ApiError(400, `invalid log opt max-size: ${JSON.stringify(text.slice(0, 40))} is no size above 0, as 10m, 500k or 1g`);
}

function filesOf(text: string): number {
  const files = Number(text);
  if (/^\d{1,6}$/.test(text) && files >= 1 && files <= MOST_FILES) return files;
  throw new ApiError(400, `invalid log opt max-file: ${JSON.stringify(text.slice(0, 40))} is no number from 1 to ${MOST_FILES}`);
}
