import type { MountWish } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';
import { targetOf } from './parse-binds.ts';

const DEFAULT_MODE = 0o1777;
const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };
const OPTION = /^[a-z_]+(=[\w:%.-]+)?$/;
/** What Docker adds where it was not asked otherwise. */
const USUAL = ['noexec', 'nosuid', 'nodev'];

/** One of HostConfig.Tmpfs: `/run` with `rw,size=64m,mode=1777`. @throws ApiError 400 */
export function parseTmpfs(path: string, text: string): MountWish {
  const target = targetOf(path, path);
  let [readOnly, sizeBytes, mode] = [false, 0, DEFAULT_MODE];
  const options: string[] = [];
  for (const option of text === '' ? [] : text.split(',')) {
    if (!OPTION.test(option)) throw invalid(path, option);
    const [key = '', value = ''] = option.split('=');
    if (option === 'ro' || option === 'rw') readOnly = option === 'ro';
    else if (key === 'size') sizeBytes = sizeOf(value) ?? fail(path, option);
    else if (key === 'mode') mode = /^[0-7]{1,4}$/.test(value) ? Number.parseInt(value, 8) : fail(path, option);
    else options.push(option);
  }
  const asked = new Set(options.map((option) => option.replace(/^no/, '')));
  return { kind: 'tmpfs', target, readOnly, sizeBytes, mode, options: [...USUAL.filter((one) => !asked.has(one.slice(2))), ...options] };
}

/** @throws ApiError 400 */
export function modeOf(mode: number | undefined): number {
  if (mode === undefined || mode === 0) return DEFAULT_MODE;
  if (mode > 0 && mode <= 0o7777) return mode;
  throw new ApiError(400, `invalid mode of a tmpfs: ${mode} is not a number of permission bits`);
}

function sizeOf(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,15})([bkmgt]?)$/i.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
}

function fail(path: string, option: string): never {
  throw invalid(path, option);
}

const invalid = (path: string, option: string): ApiError =>
  new ApiError(400, `invalid tmpfs option ${JSON.stringify(option.slice(0, 80))} for ${path.slice(0, 80)}`);
