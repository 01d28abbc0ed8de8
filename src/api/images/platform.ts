import type { ImagePlatform } from '../../engine/port.ts';
import { ApiError } from '../http/api-error.ts';

const WORD = /^[a-z0-9][a-z0-9_.-]{0,31}$/;
/** Other names that people and kernels have for them. */
const ARCHITECTURES: Readonly<Record<string, readonly [string, string]>> = {
  x86_64: ['amd64', ''],
  'x86-64': ['amd64', ''],
  aarch64: ['arm64', ''],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  i386: ['386', ''],
};

/** What one word alone may be: as Go names them. */
const KNOWN = '386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x wasm'.split(' ');
const SYSTEMS = 'aix android darwin dragonfly freebsd illumos ios js linux netbsd openbsd plan9 solaris windows'.split(' ');

/** `linux/arm64/v8`, `linux/arm64`, `arm64`; '' for none. @throws ApiError 400 */
export function platformOf(text: string): ImagePlatform | undefined {
  if (text === '') return undefined;
  const parts = text.toLowerCase().split('/');
  if (parts.length > 3 || !parts.every((part) => WORD.test(part))) {
    throw new ApiError(400, `platform must be written os[/architecture[/variant]], got ${JSON.stringify(text.slice(0, 80))}`);
  }
  const [first = '', ...rest] = parts;
  if (rest.length === 0 && !SYSTEMS.includes(first) && !KNOWN.includes(first) && ARCHITECTURES[first] === undefined) {
    throw new ApiError(400, `${JSON.stringify(text.slice(0, 80))}: unknown operating system or architecture: invalid argument`);
  }
  const [os, named, given = ''] = rest.length === 0 ? (SYSTEMS.includes(first) ? [first, ''] : ['linux', first]) : [first, ...rest];
  if (os !== 'linux')
    throw new ApiError(400, `Caravela runs containers of Linux: there is no use for an image of ${os} (platform ${text})`);
  if (named === undefined || named === '') return undefined;
  const [architecture, implied] = ARCHITECTURES[named] ?? [named, ''];
  return { os, architecture, variant: given || implied };
}
