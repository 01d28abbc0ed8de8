import type { CreateBody } from './create-body.ts';

/** The API version since which a container's memory is shared with others only where that is asked for. */
const PRIVATE_SINCE = 40;

/** A body as its client meant it: what older ones leave unsaid is what was Docker's default then. */
export function asMeant(body: CreateBody, minor: number): CreateBody {
  const { HostConfig: host } = body;
  if (minor >= PRIVATE_SINCE || (host?.IpcMode ?? '') !== '') return body;
  return { ...body, HostConfig: { ...host, IpcMode: 'shareable' } };
}
