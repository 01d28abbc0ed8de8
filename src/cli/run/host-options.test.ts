import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ContainerCreateBody } from '../../docker-api/types.ts';
import { FakeDaemon, run } from '../testing.ts';

let daemon: FakeDaemon;
let scratch: string;
beforeEach(async () => {
  daemon = await new FakeDaemon().listen();
  daemon.on('POST /containers/create', { Id: 'c'.repeat(64), Warnings: [] });
  scratch = mkdtempSync(join(tmpdir(), 'caravela-options-'));
});
afterEach(async () => {
  await daemon.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** What is sent for these words, without what always is. */
async function sent(words: string): Promise<ContainerCreateBody> {
  const ran = await run(['--host', `unix://${daemon.socket}`, 'container', 'create', ...words.split(' '), 'img']);
  expect(ran).toMatchObject({ code: 0, err: '' });
  return JSON.parse(daemon.asked.at(-1)?.body ?? '') as ContainerCreateBody;
}

describe('options of a container', () => {
  it('mount what is asked for', async () => {
    const words =
      '-v data:/data:ro -v /anonymous -v ./here:/there --volume /etc:/etc:rw,rslave --mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700 ' +
      '--tmpfs /run --tmpfs /tmp:size=64m,mode=1777 --volumes-from web:ro --device /dev/fuse --device /dev/a:/dev/b:r --shm-size 1g';
    const body = await sent(words);
    expect(body.Volumes).toEqual({ '/anonymous': {} });
    expect(body.HostConfig).toMatchObject({
      Binds: ['data:/data:ro', `${process.cwd()}/here:/there`, '/etc:/etc:rw,rslave'],
      Mounts: [{ Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 2 ** 20, Mode: 0o700 } }],
      Tmpfs: { '/run': '', '/tmp': 'size=64m,mode=1777' },
      VolumesFrom: ['web:ro'],
      Devices: [
        { PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' },
        { PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'r' },
      ],
      ShmSize: 2 ** 30,
    });
  });

  it('limit it', async () => {
    const words =
      '-c 512 --cpu-period 100000 --cpu-quota -1 --cpuset-cpus 0-1 --cpuset-mems 0 --memory-reservation 64m --memory-swap -1 ' +
      '--memory-swappiness 0 --pids-limit 9 --oom-score-adj -500 --oom-kill-disable --ulimit nofile=1024:2048 --ulimit core=-1';
    expect((await sent(words)).HostConfig).toMatchObject({
      CpuShares: 512,
      CpuPeriod: 100_000,
      CpuQuota: -1,
      CpusetCpus: '0-1',
      CpusetMems: '0',
      MemoryReservation: 64 * 2 ** 20,
      MemorySwap: -1,
      MemorySwappiness: 0,
      PidsLimit: 9,
      OomScoreAdj: -500,
      OomKillDisable: true,
      Ulimits: [
        { Name: 'nofile', Soft: 1024, Hard: 2048 },
        { Name: 'core', Soft: -1, Hard: -1 },
      ],
    });
  });

  it('keep it apart', async () => {
    writeFileSync(join(scratch, 'seccomp.json'), '{ "defaultAction": "SCMP_ACT_ALLOW" }\n');
    const words =
      `--privileged --security-opt no-new-privileges --security-opt seccomp=${join(scratch, 'seccomp.json')} --security-opt systempaths=unconfined ` +
      '--group-add audio --group-add 5 --sysctl net.core.somaxconn=9 --pid host --ipc container:web --uts host --userns host --cgroupns private --log-opt max-size=1m';
    const { HostConfig } = await sent(words);
    expect(HostConfig).toMatchObject({
      Privileged: true,
      SecurityOpt: ['no-new-privileges', 'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'],
      MaskedPaths: [],
      ReadonlyPaths: [],
      GroupAdd: ['audio', '5'],
      Sysctls: { 'net.core.somaxconn': '9' },
      PidMode: 'host',
      IpcMode: 'container:web',
      UTSMode: 'host',
      UsernsMode: 'host',
      CgroupnsMode: 'private',
      LogConfig: { Type: '', Config: { 'max-size': '1m' } },
    });
  });

  it('look after its health', async () => {
    expect(
      (await sent('--health-cmd true --health-interval 5s --health-timeout 1m --health-start-period 1s --health-retries 2')).Healthcheck,
    ).toEqual({
      Test: ['CMD-SHELL', 'true'],
      Interval: 5e9,
      Timeout: 60e9,
      StartPeriod: 1e9,
      Retries: 2,
    });
    expect((await sent('--no-healthcheck')).Healthcheck).toEqual({ Test: ['NONE'] });
    expect((await sent('--init')).Healthcheck).toBeUndefined();
  });

  it('say which platform, and take Docker’s way to say yes and no', async () => {
    const body = await sent('--platform linux/arm64 --init=true --rm=false -t=1');
    expect(daemon.asked.at(-1)?.query).toEqual({ platform: 'linux/arm64' });
    expect(body.Caravela).toEqual({ Constraints: ['arch==arm64'] });
    expect((await sent('--platform linux/x86_64 --constraint node==a')).Caravela).toEqual({ Constraints: ['node==a', 'arch==amd64'] });
    expect((await sent('--platform linux')).Caravela).toBeUndefined();
    expect([body.HostConfig?.Init, body.HostConfig?.AutoRemove, body.Tty]).toEqual([true, false, true]);
  });
});
