import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { openInRoot } from '../../linux/open-in-root.ts';
import { hasCode } from '../../linux/system-error.ts';
import { EngineError } from '../port.ts';

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary one is among them: else dropping it would get past a rule that denies the group (CVE-2022-36109). */
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** A passwd or group file beyond this is not read: the image decides its size. */
const FILE_BYTES = 4 * 1024 * 1024;
const HIGHEST_ID = 2 ** 31 - 1;

/**
 * Who a container's process is: `user[:group]`, names or numbers, looked up in the mounted image's
 * /etc/passwd and /etc/group, which may be anything. @param groupAdd more groups, names or numbers
 * @throws EngineError for a name that isn't there
 */
export function resolveUser(rootfs: string, user: string, groupAdd: readonly string[] = []): ContainerUser {
  const root = openSync(rootfs, 'r');
  try {
    const group = readInRoot(root, 'etc/group');
    return withGroups(userFrom(user, readInRoot(root, 'etc/passwd'), group), groupAdd, group);
  } finally {
    closeSync(root);
  }
}

export function userFrom(user: string, passwd: string, group: string): ContainerUser {
  const [userPart = '', groupPart = ''] = (user || '0').split(':', 2);
  const users = records(passwd, 7);
  const groups = records(group, 4);
  const named =
    users.find((fields) => fields[0] === userPart) ?? users.find((fields) => id(fields[2]) === id(userPart) && id(userPart) !== undefined);
  const uid = named === undefined ? id(userPart) : id(named[2]);
  if (uid === undefined && /^-?\d+$/.test(userPart)) {
    throw new EngineError('engine-failed', `unable to find user ${userPart}: uids and gids must be in range 0-${HIGHEST_ID}`);
  }
  if (uid === undefined) throw new EngineError('engine-failed', `unable to find user ${userPart}: no matching entries in passwd file`);
  const name = named?.[0];
  const home = named?.[5] || '/';
  if (groupPart !== '') {
    const gid = id(groups.find((fields) => fields[0] === groupPart)?.[2]) ?? id(groupPart);
    if (gid === undefined) throw new EngineError('engine-failed', `unable to find group ${groupPart}: no matching entries in group file`);
    return { uid, gid, additionalGids: [gid], home };
  }
  const gid = id(named?.[3]) ?? 0;
  const memberOf = groups.filter((fields) => name !== undefined && fields[3]?.split(',').includes(name)).map((fields) => id(fields[2]));
  return { uid, gid, additionalGids: [...new Set([gid, ...memberOf.filter((each) => each !== undefined)])], home };
}

export function withGroups(user: ContainerUser, groupAdd: readonly string[], group: string): ContainerUser {
  const groups = records(group, 4);
  const added = groupAdd.map((name) => {
    const gid = id(groups.find((fields) => fields[0] === name)?.[2]) ?? id(name);
    if (gid === undefined) throw new EngineError('engine-failed', `Unable to find group ${name}: no matching entries in group file`);
    return gid;
  });
  return { ...user, additionalGids: [...new Set([...user.additionalGids, ...added])] };
}

function records(text: string, fields: number): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim().split(':'))
    .filter((record) => record.length >= fields - 1 && record[0] !== '' && !record[0]?.startsWith('#'));
}

function id(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d+$/.test(text)) return undefined;
  return Number(text) <= HIGHEST_ID ? Number(text) : undefined;
}

/** Empty where the image has no such file. */
function readInRoot(root: number, path: string): string {
  let fd: number;
  try {
    fd = openInRoot(root, path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO')) return '';
    throw error;
  }
  try {
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= FILE_BYTES ? readFileSync(fd, 'utf8') : '';
  } finally {
    closeSync(fd);
  }
}
