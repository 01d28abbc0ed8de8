import type { Ulimit } from '../../docker-api/types.ts';

/** Of Linux (getrlimit(2)), as Docker calls them. */
const NAMES = 'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');

/** `nofile=1024:2048`, `core=-1`. @throws RangeError */
export function parseUlimit(text: string): Ulimit {
  const [, name = '', soft = '', hard = soft] = /^([a-z]+)=(-1|\d{1,15})(?::(-1|\d{1,15}))?$/.exec(text) ?? [];
  if (soft === '') throw new RangeError(`${JSON.stringify(text)} is no limit: write nofile=1024, or nofile=1024:2048 for soft and hard`);
  if (!NAMES.includes(name)) throw new RangeError(`${JSON.stringify(name)} is no limit of a process: there are ${NAMES.join(', ')}`);
  const limit = { Name: name, Soft: Number(soft), Hard: Number(hard) };
  const isAbove = limit.Hard !== -1 && (limit.Soft === -1 || limit.Soft > limit.Hard);
  if (isAbove) throw new RangeError(`the soft limit of ${JSON.stringify(text)} is above the hard one`);
  return limit;
}
