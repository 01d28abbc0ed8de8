import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvFields } from './csv-fields.ts';
import { parseDevice } from './device.ts';
import { parseMountOption } from './mount-option.ts';
import { parseTmpfs } from './tmpfs.ts';
import { parseUlimit } from './ulimit.ts';
import { parseVolumeOption } from './volume-option.ts';

const part = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,8}$/);
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);

describe('-v', () => {
  it.each([
    ['/data', { kind: 'anonymous', target: '/data' }],
    ['data:/data', { kind: 'bind', bind: 'data:/data' }],
    ['/a:/b:ro,z', { kind: 'bind', bind: '/a:/b:ro,z' }],
    ['.:/b', { kind: 'bind', bind: '/srv/app:/b' }],
    ['../x/./y:/b', { kind: 'bind', bind: '/srv/x/y:/b' }],
    ['../../../..:/b', { kind: 'bind', bind: '/:/b' }],
  ])('%s', (text, wanted) => expect(parseVolumeOption(text, '/srv/app')).toEqual(wanted));

  it.each(['', ':', 'data', 'a:/b:rx', '/a:/b:ro:z', ':/b', '/a:', 'a b:/c', '~/x:/y', '-x:/y', 'a/b:/c'])('refuses %j', (text) => {
    expect(() => parseVolumeOption(text, '/')).toThrow(/is no volume/);
  });

  it('gives back what it was given, and otherwise throws RangeErrors only', () => {
    fc.assert(
      fc.property(fc.oneof(part, path), path, fc.constantFrom('', ':ro', ':rw,z'), (source, target, options) => {
        expect(parseVolumeOption(`${source}:${target}${options}`, '/')).toEqual({ kind: 'bind', bind: `${source}:${target}${options}` });
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => onlyRangeErrors(() => parseVolumeOption(text, '/'))));
  });
});

describe('--mount', () => {
  it.each([
    ['type=bind,src=/a,dst=/b,ro', { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }],
    ['target=/b', { Type: 'volume', Target: '/b' }],
    [
      'type=bind,source=/a,target=/b,readonly=false,bind-propagation=rslave',
      { Type: 'bind', Source: '/a', Target: '/b', ReadOnly: false, BindOptions: { Propagation: 'rslave' } },
    ],
    [
      'source=v,target=/b,volume-nocopy,volume-label=a=b,volume-label=c',
      { Type: 'volume', Source: 'v', Target: '/b', VolumeOptions: { NoCopy: true, Labels: { a: 'b', c: '' } } },
    ],
    [
      'source=v,target=/b,volume-driver=local,"volume-opt=o=uid=1,gid=2"',
      { Type: 'volume', Source: 'v', Target: '/b', VolumeOptions: { DriverConfig: { Name: 'local', Options: { o: 'uid=1,gid=2' } } } },
    ],
    [
      'type=tmpfs,destination=/b,tmpfs-size=64m,tmpfs-mode=1777',
      { Type: 'tmpfs', Target: '/b', TmpfsOptions: { SizeBytes: 2 ** 26, Mode: 0o1777 } },
    ],
  ])('%s', (text, wanted) => expect(parseMountOption(text)).toEqual(wanted));

  it.each([
    ['', /is none of type=/],
    ['type=bind,source=/a', /lacks target/],
    ['type=bind,source=a,target=/b', /begins with \//],
    ['type=npipe,target=/b', /none of bind, volume, tmpfs/],
    ['type=tmpfs,source=/a,target=/b', /has no source/],
    ['type=tmpfs,target=/b,volume-nocopy', /is for type=volume/],
    ['target=/b,readonly=perhaps', /neither true nor false/],
    ['target=/b,volume-opt==x', /KEY=VALUE/],
    ['type=tmpfs,target=/b,tmpfs-mode=9', /octal/],
    ['target=/b,"a', /quote/],
    ['target=/b,source', /has no value/],
  ])('refuses %j', (text, why) => expect(() => parseMountOption(text)).toThrow(why));

  it('throws RangeErrors only', () => {
    const field = fc.oneof(
      fc.string(),
      fc.tuple(fc.constantFrom('type', 'source', 'target', 'tmpfs-mode', 'volume-opt'), fc.string()).map(([k, v]) => `${k}=${v}`),
    );
    fc.assert(fc.property(fc.array(field), (fields) => onlyRangeErrors(() => parseMountOption(fields.join(',')))));
  });
});

describe('fields between commas', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (fields) => {
        expect(csvFields(fields.map((each) => `"${each.replaceAll('"', '""')}"`).join(','))).toEqual(fields);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => onlyRangeErrors(() => csvFields(text))));
  });
});

describe('--device, --ulimit, --tmpfs', () => {
  it('read what they say', () => {
    expect(parseDevice('/dev/a:rm')).toEqual({ PathOnHost: '/dev/a', PathInContainer: '/dev/a', CgroupPermissions: 'rm' });
    expect(parseUlimit('nproc=5')).toEqual({ Name: 'nproc', Soft: 5, Hard: 5 });
    expect(parseUlimit('nofile=5:-1')).toEqual({ Name: 'nofile', Soft: 5, Hard: -1 });
    expect(parseTmpfs('/a:b:c')).toEqual(['/a', 'b:c']);
  });

  it.each(['dev', '/dev/a:b', '/dev/a:/dev/b:x', '/dev/a:/dev/b:rr', '/a:/b:r:w', ''])('refuse the device %j', (text) =>
    expect(() => parseDevice(text)).toThrow(/is no device/),
  );
  it.each(['', 'nofile', 'nofile=', 'nofile=x', 'speed=1', 'nofile=-1:5', 'nofile=1.5'])('refuse the limit %j', (text) =>
    expect(() => parseUlimit(text)).toThrow(RangeError),
  );

  it('throw RangeErrors only', () => {
    for (const parse of [parseDevice, parseUlimit, parseTmpfs])
      fc.assert(fc.property(fc.string(), (text) => onlyRangeErrors(() => parse(text))));
  });
});

function onlyRangeErrors(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
  }
}
