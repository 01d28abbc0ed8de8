import { sha256Hex } from '../../lib/sha256.ts';
import type { GroupPart } from './message.ts';

/** What a need says of a spec: the first 16 hex digits of its SHA-256. */
export const digestOf = (spec: string): string => sha256Hex(spec).slice(0, 16);

/** The same of a group's: over its parts' digests and amounts, in order. */
export function groupDigest(parts: readonly GroupPart[]): string {
  return digestOf(
    parts
      .map(({ requestId, resources: { cpuMillicores, memoryBytes }, specDigest }) =>
        [requestId, cpuMillicores, memoryBytes, specDigest].join(' '),
      )
      .join('\n'),
  );
}
