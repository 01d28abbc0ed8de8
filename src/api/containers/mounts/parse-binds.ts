import type { MountWish } from '../../../engine/port.ts';
import { ApiError } from '../../http/api-error.ts';

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}$/;
const PROPAGATIONS = ['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave'] as const;
type Propagation = (typeof PROPAGATIONS)[number];
/** SELinux labels and hints for other systems: nothing is left out without them. */
const WITHOUT_MEANING = ['z', 'Z', 'consistent', 'cached', 'delegated', 'copy'];

/**
 * One of HostConfig.Binds: `/host:/container[:options]`, `volume:/container[:options]`, `/container`. The last one's
 * name is drawn where it is settled: ''. @throws ApiError 400
 */
export function parseBind(text: string): MountWish {
  const parts = text.split(':');
  const [first = '', second, modes = '', ...more] = parts;
  if (more.length > 0 || parts.some((part) => part === '')) throw invalid(text);
  // A name alone is a place in the container; with two parts the second may be options no client sends.
  if (second === undefined) return { ...volumeOf('', targetOf(first, text)), readOnly: false };
  const target = targetOf(second, text);
  const options = parseModes(modes);
  if (first.startsWith('/')) {
    if (options.noCopy) throw new ApiError(400, `invalid mode: ${modes.slice(0, 80)}: nocopy is for volumes only`);
    const { readOnly, propagation = 'rprivate' } = options;
    return { kind: 'bind', source: pathOf(first), target, readOnly, propagation, createSource: true };
  }
  if (options.propagation !== undefined) {
    throw new ApiError(400, `invalid mode: ${modes.slice(0, 80)}: mount propagation is for bind mounts only`);
  }
  return { ...volumeOf(checkVolumeName(first), target), readOnly: options.readOnly, noCopy: options.noCopy };
}

/** @throws ApiError 400, in Docker's words */
export function checkVolumeName(name: string): string {
  if (VOLUME_NAME.test(name)) return name;
  throw new ApiError(
    400,
    `create ${name.slice(0, 80)}: ${JSON.stringify(name.slice(0, 80))} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}

/** Absolute in the container, and not all of it. @throws ApiError 400 */
export function targetOf(path: string, text: string): string {
  if (!path.startsWith('/')) {
    throw new ApiError(400, `invalid volume specification: ${JSON.stringify(text.slice(0, 200))}: mount path must be absolute`);
  }
  const target = pathOf(path);
  if (target === '/') throw new ApiError(400, `invalid specification: destination can't be '/': ${JSON.stringify(text.slice(0, 200))}`);
  return target;
}

/** Without doubled slashes, dots and a slash at its end. @throws ApiError 400 */
export function pathOf(path: string): string {
  if (path.includes('\0')) throw new ApiError(400, `a path can't hold a NUL byte, got ${JSON.stringify(path.slice(0, 80))}`);
  const steps: string[] = [];
  for (const step of path.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return `/${steps.join('/')}`;
}

/** @throws ApiError 400 */
export function propagationOf(text: string): Propagation {
  const propagation = PROPAGATIONS.find((one) => one === (text === '' ? 'rprivate' : text));
  if (propagation === undefined)
    throw new ApiError(400, `invalid propagation mode: ${text.slice(0, 80)} is not one of ${PROPAGATIONS.join(', ')}`);
  return propagation;
}

export const volumeOf = (name: string, target: string): MountWish & { readonly kind: 'volume' } => ({
  kind: 'volume',
  name,
  target,
  readOnly: false,
  anonymous: name === '',
  noCopy: false,
  labels: {},
});

interface Modes {
  readonly readOnly: boolean;
  readonly noCopy: boolean;
  readonly propagation: Propagation | undefined;
}

function parseModes(text: string): Modes {
  let [readOnly, noCopy, propagation]: [boolean | undefined, boolean, Propagation | undefined] = [undefined, false, undefined];
  for (const mode of text === '' ? [] : text.split(',')) {
    const asked = PROPAGATIONS.find((one) => one === mode);
    if (mode === 'ro' || mode === 'rw') {
      if (readOnly !== undefined) throw new ApiError(400, `invalid mode: ${text.slice(0, 80)}`);
      readOnly = mode === 'ro';
    } else if (mode === 'nocopy') noCopy = true;
    else if (asked !== undefined && propagation === undefined) propagation = asked;
    else if (!WITHOUT_MEANING.includes(mode)) throw new ApiError(400, `invalid mode: ${text.slice(0, 80)}`);
  }
  return { readOnly: readOnly ?? false, noCopy, propagation };
}

const invalid = (text: string): ApiError => new ApiError(400, `invalid volume specification: ${JSON.stringify(text.slice(0, 200))}`);
