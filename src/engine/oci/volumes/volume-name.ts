import { VolumeError } from '../../port.ts';

/** A directory's name, so that 255 bytes are all it can have. */
const LONGEST = 255;

/** Docker's rule for names. @throws VolumeError bad-name */
export function checkVolumeName(name: string): void {
  if (name.length <= LONGEST && /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return;
  throw new VolumeError(
    'bad-name',
    `${JSON.stringify(name.slice(0, 300))} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
  );
}
