import { join } from 'node:path';

/** Where a member's things lie. */
export interface MemberFiles {
  /** Survives: all of it, and nothing else, is the member. */
  readonly dir: string;
  readonly record: string;
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
  readonly data: string;
  /** In it: what it has agreed to. */
  readonly log: string;
  readonly process: string;
  /** Does not survive a boot. */
  readonly runDir: string;
  readonly hosts: string;
  /** As etcd names it: a "host" and a "port", of which it makes a file in its working directory. */
  readonly socketUrl: string;
  readonly socket: string;
}

/** sun_path of unix(7) less its zero. */
const SOCKET_PATH_BYTES = 107;
const SOCKET = 'etcd.sock:1';

/** @throws Error where a socket's path would be too long */
export function memberFiles(dir: string, runDir: string): MemberFiles {
  const socket = join(runDir, SOCKET);
  if (Buffer.byteLength(socket) > SOCKET_PATH_BYTES) {
    throw new Error(
      `the path ${socket} is longer than the ${SOCKET_PATH_BYTES} bytes that a socket's may have: choose a shorter --run-dir`,
    );
  }
  return {
    dir,
    record: join(dir, 'member.json'),
    key: join(dir, 'member.key'),
    certificate: join(dir, 'member.crt'),
    ca: join(dir, 'ca.crt'),
    data: join(dir, 'etcd'),
    log: join(dir, 'etcd', 'member', 'wal'),
    process: join(dir, 'etcd.process'),
    runDir,
    hosts: join(runDir, 'hosts'),
    socketUrl: `unix://${SOCKET}`,
    socket,
  };
}
