import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_RESERVATION } from '../../core/model/index.ts';
import type { ContainerSpec } from '../../engine/port.ts';
import { ApiError } from '../http/api-error.ts';
import { checked } from '../http/check.ts';
import { affinityText } from './affinity.ts';
import { CREATE_BODY } from './create-body.ts';
import { checkCreate, checkName, requestOf } from './create-request.ts';
import type { Wanted } from './wanted.ts';
import { expressionText } from './expression.ts';
import { randomName } from './random-name.ts';

const check = (body: unknown) => checkCreate(checked(CREATE_BODY, body, 'the body'));
const host = (HostConfig: Record<string, unknown>) => check({ Image: 'busybox', HostConfig });
const image = {
  reference: 'docker.io/library/busybox:latest',
  digest: `sha256:${'1'.repeat(64)}`,
  arches: ['amd64'],
  stopSignal: 'SIGQUIT',
  exposedPorts: [],
};
/** As where no network had to be looked up. */
const request = (wanted: Wanted, name = 'x1') => {
  const networking = { ...wanted.networking, networks: [], affinities: [] };
  const { mounts, extras, constraints, affinities } = wanted;
  const settled = { networking, mounts: { mounts: mounts.mounts, asked: mounts.asked }, extras, constraints, affinities };
  return requestOf(wanted, name, { image, settled }, hex);
};
const hex = (bytes: number): string => 'ab'.repeat(bytes);

describe('create', () => {
  it('holds the default reservation for what was not asked, and sets no limit', () => {
    const made = request(check({ Image: 'busybox', Cmd: ['true'] }));
    expect(made.resources).toEqual(DEFAULT_RESERVATION);
    const spec = JSON.parse(made.spec) as ContainerSpec;
    expect(spec).toMatchObject({
      nanoCpus: 0,
      memoryBytes: 0,
      command: ['true'],
      entrypoint: null,
      networkMode: 'networks',
      image: { digest: image.digest },
    });
    expect(made.stopSignal).toBe('SIGQUIT');
  });

  it('has a terminal of the client’s size, where that has one', () => {
    const sizeOf = (body: object) => (JSON.parse(request(check({ Image: 'busybox', ...body })).spec) as ContainerSpec).terminalSize;
    expect(sizeOf({ Tty: true, HostConfig: { ConsoleSize: [30, 100] } })).toEqual({ rows: 30, columns: 100 });
    for (const ConsoleSize of [[0, 0], [], null, undefined]) expect(sizeOf({ Tty: true, HostConfig: { ConsoleSize } })).toBeUndefined();
    expect(sizeOf({ Tty: false, HostConfig: { ConsoleSize: [30, 100] } })).toBeUndefined();
  });

  it('turns CPUs and memory into resources, each by itself', () => {
    const made = request(host({ NanoCpus: 1_500_000_000 }));
    expect(made.resources).toEqual({ cpuMillicores: 1500, memoryBytes: DEFAULT_RESERVATION.memoryBytes });
  });

  it.each([
    [{ Cmd: ['a\0b'] }, 'NUL'],
    [{ Entrypoint: 'a\0b' }, 'NUL'],
    [{ Env: ['A=\0'] }, 'NUL'],
    [{ Env: ['=x'] }, 'invalid environment variable: =x'],
    [{ Env: [''] }, 'invalid environment variable: '],
    [{ WorkingDir: '../..' }, "the working directory '../..' is invalid"],
    [{ Hostname: 'a\n1.2.3.4 b' }, 'a host name may have'],
    [{ StopSignal: 'SIGNOPE' }, 'Invalid signal: SIGNOPE'],
    [{ Labels: Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`l${i}`, ''])) }, 'at most 1024 labels, got 1025'],
  ])('refuses %j, which no start could do', (body, message) => {
    expect(() => check({ Image: 'busybox', ...body })).toThrow(message);
  });

  it.each([
    [{ Memory: 6 * 1024 * 1024 - 1 }, 400, 'Minimum memory limit allowed is 6MB'],
    [{ Memory: 'lots' }, 400, 'HostConfig.Memory'],
    [{ NanoCpus: -1 }, 400, 'NanoCpus must be 0 or at least'],
    [{ RestartPolicy: { Name: 'sometimes' } }, 400, '"sometimes" is not one of'],
    [{ RestartPolicy: { Name: 'always', MaximumRetryCount: 3 } }, 400, 'maximum retry count cannot be used with restart policy'],
    [{ RestartPolicy: { Name: 'always' }, AutoRemove: true }, 400, '--rm'],
    [{ BlkioWeight: 300 }, 501, 'block IO weights'],
    [{ UsernsMode: 'keep' }, 501, '"keep"'],
    [{ LogConfig: { Type: 'syslog' } }, 501, 'syslog'],
  ])('refuses %j', (config, status, words) => {
    expect(() => host(config)).toThrow(words);
    try {
      host(config);
    } catch (error) {
      expect((error as ApiError).status).toBe(status);
    }
  });

  it('takes standard input, attached or only kept open', () => {
    for (const AttachStdin of [true, false]) expect(check({ Image: 'busybox', OpenStdin: true, AttachStdin }).body.OpenStdin).toBe(true);
  });

  it('takes what a client sends for a plain run', () => {
    const plain = {
      Binds: null,
      NetworkMode: 'default',
      PortBindings: {},
      Mounts: [],
      CpuShares: 0,
      MemorySwap: -1,
      Ulimits: [],
      IpcMode: '',
      MaskedPaths: null,
      LogConfig: { Type: '', Config: {} },
    };
    expect(host(plain)).toMatchObject({ networking: { mode: 'networks', endpoints: [{ network: '' }] }, warnings: [] });
    expect(host({ NetworkMode: 'host' })).toMatchObject({ networking: { mode: 'host' }, warnings: [] });
    expect(host({ NetworkMode: 'none' })).toMatchObject({ networking: { mode: 'none' }, warnings: [] });
  });

  it('never answers junk with anything but a request or a sentence', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (junk, other) => {
        try {
          request(check({ Image: 'busybox', HostConfig: junk, Cmd: other }));
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError);
        }
      }),
    );
  });

  it('takes what speaks of placement out of the environment', () => {
    const made = request(
      check({
        Image: 'busybox',
        Env: ['A=1', 'constraint:storage==ssd', 'affinity:container!=front', 'B=constraint:x==y'],
        Labels: { 'com.docker.swarm.affinities': '["image==~redis"]', tier: 'back' },
        Caravela: { Constraints: ['node!=a*'], Affinities: ['tier==front'] },
      }),
    );
    const spec = JSON.parse(made.spec) as ContainerSpec;
    expect(spec.env).toEqual(['A=1', 'B=constraint:x==y']);
    expect(spec.labels).toEqual(made.labels);
    expect(made.labels).toEqual({ 'com.docker.swarm.affinities': '["image==~redis"]', tier: 'back' });
    expect(made.constraints.map(expressionText)).toEqual(['node!=a*', 'storage==ssd']);
    expect(made.affinities.map(affinityText)).toEqual(['tier==front', 'image==~redis', 'container!=front']);
  });

  it('checks names, and makes ones that pass', () => {
    expect(checkName('/web-1')).toBe('web-1');
    expect(checkName('n'.repeat(128))).toHaveLength(128);
    for (const bad of ['x', '-web', 'a b', 'ä1', 'n'.repeat(129)]) expect(() => checkName(bad)).toThrow('Invalid container name');
    fc.assert(
      fc.property(fc.nat(0xffffff), fc.nat(7), (n, attempt) => {
        const name = randomName(() => n.toString(16), attempt);
        expect(checkName(name)).toBe(name);
      }),
    );
  });
});
