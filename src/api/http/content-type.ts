import type { FastifyRequest } from 'fastify';
import { versionOf } from './version.ts';

export const RAW_STREAM = 'application/vnd.docker.raw-stream';
const MULTIPLEXED_STREAM = 'application/vnd.docker.multiplexed-stream';
/** The API version whose clients know the second. */
const MULTIPLEXED_SINCE = 42;

/** Of a process's output: as it is (`raw`, a terminal's), or in frames. */
export const streamType = (request: FastifyRequest, raw: boolean): string =>
  !raw && versionOf(request.originalUrl) >= MULTIPLEXED_SINCE ? MULTIPLEXED_STREAM : RAW_STREAM;
