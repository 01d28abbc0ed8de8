import { EngineError } from '../port.ts';

/** Which of its own namespaces a container has, as far as kernel settings go by them. */
export interface OwnNamespaces {
  readonly network: boolean;
  readonly ipc: boolean;
  readonly uts: boolean;
}

/** Kernel settings of the IPC namespace, ipc_namespaces(7); those of message queues begin with `fs.mqueue.`. */
const OF_IPC = [
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
];

/** What Docker gives every container with a network of its own: ports below 1024, and ping, for everybody. */
const NETWORK_DEFAULTS = { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' };

/**
 * Kernel settings of one container: nothing may be set that others would see. @param domainname '' for none
 * @throws EngineError
 */
export function taskSysctls(asked: Readonly<Record<string, string>>, domainname: string, own: OwnNamespaces): Record<string, string> {
  for (const name of Object.keys(asked)) checkSysctl(name, own);
  return {
    ...(own.network ? NETWORK_DEFAULTS : {}),
    ...(domainname !== '' && own.uts ? { 'kernel.domainname': domainname } : {}),
    ...asked,
  };
}

function checkSysctl(name: string, own: OwnNamespaces): void {
  const refused = (why: string) => new EngineError('engine-failed', `sysctl ${JSON.stringify(name)} can't be set for a container: ${why}`);
  if (!/^[\w.\-/]+$/.test(name) || name.includes('..')) throw refused('that is no name of one');
  if (name.startsWith('net.')) {
    if (!own.network) throw refused("it would be the host's, as the container has the host's network");
    return;
  }
  if (OF_IPC.includes(name) || name.startsWith('fs.mqueue.')) {
    if (!own.ipc) throw refused("it would be another's, as the container has no IPC namespace of its own");
    return;
  }
  if (name === 'kernel.domainname' && own.uts) return;
  throw refused(
    'it is the whole host\'s ("net.", "fs.mqueue." and those of shared memory, semaphores and messages are a container\'s own)',
  );
}
