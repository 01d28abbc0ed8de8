import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { NodeId } from '../../core/model/index.ts';
import type { MemberFiles } from './files.ts';
import { MEMBERS_NAME, memberLabel, peerUrl } from './names.ts';

export interface Launch {
  readonly node: NodeId;
  /** To listen on; everyone else knows the name. */
  readonly ip: string;
  readonly peerPort: number;
  /** Instance and epoch: members of another cluster are refused. */
  readonly clusterToken: string;
  /** `label=peerUrl` of all members, this one too. Read only where there is no data yet. */
  readonly initialCluster: string;
  /** Whether this member makes the cluster. */
  readonly isFirst: boolean;
  readonly heartbeatMs: number;
  readonly electionMs: number;
  readonly quotaBytes: number;
}

const FOLDERS = ['/usr/local/bin', '/usr/bin', '/usr/local/sbin', '/usr/sbin', '/opt/etcd'];
const TXN_OPERATIONS = 256;

/** The etcd program's path; undefined: it is not installed. */
export function findEtcd(path = process.env['PATH'] ?? ''): string | undefined {
  return [...path.split(delimiter), ...FOLDERS].map((folder) => join(folder, 'etcd')).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return path.startsWith('/');
  } catch {
    return false;
  }
}

/**
 * etcd in a mount namespace of its own, in which our hosts file lies over /etc/hosts. All of these words become one
 * process, by exec: the one whose id we keep. It is asked to end when the thread that started it ends (prctl(2),
 * PR_SET_PDEATHSIG), so that none outlives a daemon that was killed; where one does, the next start ends it.
 */
export function commandLine(etcd: readonly string[], files: MemberFiles, launch: Launch): readonly string[] {
  const inOwnMounts = 'setpriv --pdeathsig TERM -- unshare --mount --propagation private --'.split(' ');
  const withHosts = ['sh', '-c', 'mount --bind "$1" /etc/hosts && shift && exec "$@"', 'sh', files.hosts];
  return [...inOwnMounts, ...withHosts, ...etcd, ...flags(files, launch)];
}

function flags(files: MemberFiles, launch: Launch): readonly string[] {
  const host = launch.ip.includes(':') ? `[${launch.ip}]` : launch.ip;
  return [
    `--name=${memberLabel(launch.node)}`,
    `--data-dir=${files.data}`,
    `--listen-client-urls=${files.socketUrl}`,
    // Asked for, and used by nobody: clients find us by our socket.
    '--advertise-client-urls=http://localhost:2379',
    `--listen-peer-urls=https://${host}:${launch.peerPort}`,
    `--initial-advertise-peer-urls=${peerUrl(launch.node, launch.peerPort)}`,
    `--initial-cluster=${launch.initialCluster}`,
    `--initial-cluster-state=${launch.isFirst ? 'new' : 'existing'}`,
    `--initial-cluster-token=${launch.clusterToken}`,
    // Who connects must have a member's name in a certificate of our CA; whence, is not asked: identity is no address.
    '--peer-client-cert-auth',
    `--peer-trusted-ca-file=${files.ca}`,
    `--peer-cert-file=${files.certificate}`,
    `--peer-key-file=${files.key}`,
    `--peer-cert-allowed-hostname=${MEMBERS_NAME}`,
    '--experimental-peer-skip-client-san-verification',
    `--cipher-suites=${CIPHER_SUITES}`,
    `--heartbeat-interval=${launch.heartbeatMs}`,
    `--election-timeout=${launch.electionMs}`,
    // Off by default in 3.4: without it a member that was cut off deposes the leader when it comes back.
    '--pre-vote',
    '--strict-reconfig-check',
    '--snapshot-count=5000',
    '--auto-compaction-mode=revision',
    '--auto-compaction-retention=1000',
    `--quota-backend-bytes=${launch.quotaBytes}`,
    `--max-txn-ops=${TXN_OPERATIONS}`,
    '--logger=zap',
    '--log-level=warn',
    '--log-outputs=stderr',
  ];
}

/** Of TLS 1.2 those with forward secrecy and authenticated encryption; 1.3 has no others. */
const CIPHER_SUITES = [
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
].join(',');

/**
 * Its environment: names by the hosts file whatever the host's resolver is, and little memory. One processor: with
 * two, threads of an idle member wake each other, which costs a third more.
 */
export function environment(): Readonly<Record<string, string>> {
  const path = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(delimiter);
  return { PATH: path, GODEBUG: 'netdns=go', GOMAXPROCS: '1', GOGC: '50' };
}
