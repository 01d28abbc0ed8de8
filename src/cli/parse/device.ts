import type { DeviceRequest } from '../../docker-api/types.ts';

/** `/dev/fuse`, `/dev/sda:/dev/xvda`, `/dev/sda:/dev/xvda:r`. @throws RangeError */
export function parseDevice(text: string): DeviceRequest {
  const parts = text.split(':');
  const [host = '', second, third] = parts;
  // The middle part may be left out.
  const isRights = second !== undefined && third === undefined && isPermissions(second);
  const rights = third ?? (isRights ? second : 'rwm');
  const inside = second === undefined || isRights ? host : second;
  if (parts.length > 3 || !host.startsWith('/') || !inside.startsWith('/') || !isPermissions(rights)) {
    throw new RangeError(`${JSON.stringify(text)} is no device: write /dev/fuse, /dev/sda:/dev/xvda or /dev/sda:/dev/xvda:r (of rwm)`);
  }
  return { PathOnHost: host, PathInContainer: inside, CgroupPermissions: rights };
}

const isPermissions = (text: string): boolean => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
