import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where a node keeps what: everything below its data directory survives a reboot, the run directory does not. */
export interface NodePaths {
  readonly dataDir: string;
  readonly runDir: string;
  readonly state: string;
  /** The node's id in plain, for people and for clean-up by hand. */
  readonly nodeId: string;
  readonly nodeKey: string;
  readonly nodeCertificate: string;
  readonly caCertificate: string;
  /** On agreement members only. */
  readonly caKey: string;
  /** The agreement engine's data. */
  readonly agreement: string;
  /** Its sockets, in the run directory. */
  readonly agreementRun: string;
  readonly socket: string;
  readonly pid: string;
}

export function nodePaths(dataDir: string, runDir: string): NodePaths {
  const identity = join(dataDir, 'identity');
  return {
    dataDir,
    runDir,
    state: join(dataDir, 'state.db'),
    nodeId: join(dataDir, 'node-id'),
    nodeKey: join(identity, 'node.key'),
    nodeCertificate: join(identity, 'node.crt'),
    caCertificate: join(identity, 'ca.crt'),
    caKey: join(identity, 'ca.key'),
    agreement: join(dataDir, 'agreement'),
    agreementRun: join(runDir, 'agreement'),
    socket: join(runDir, 'caravela.sock'),
    pid: join(runDir, 'daemon.pid'),
  };
}

/** The last thing written at create or join is the node id: without it there is no node here. */
export function isNode(paths: NodePaths): boolean {
  return existsSync(paths.nodeId);
}

/** Whole or not at all, also after a power cut: written aside, fsynced, renamed. */
export function writeDurably(path: string, content: string, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const aside = `${path}.new`;
  const fd = openSync(aside, 'w', mode);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(aside, path);
  const dir = openSync(dirname(path), 'r');
  try {
    fsyncSync(dir);
  } finally {
    closeSync(dir);
  }
}

/** Removes what makes this host a node, without what its containers and images left. */
export function removeNode(paths: NodePaths): void {
  for (const path of [paths.nodeId, paths.state, `${paths.state}-wal`, `${paths.state}-shm`, `${paths.state}.reserve`])
    rmSync(path, { force: true });
  for (const path of [join(paths.dataDir, 'identity'), paths.agreement]) rmSync(path, { recursive: true, force: true });
}

export interface Credentials {
  readonly privateKeyPem: string;
  readonly certificatePem: string;
  readonly caPem: string;
}

export function readCredentials(paths: NodePaths): Credentials {
  return {
    privateKeyPem: readFileSync(paths.nodeKey, 'utf8'),
    certificatePem: readFileSync(paths.nodeCertificate, 'utf8'),
    caPem: readFileSync(paths.caCertificate, 'utf8'),
  };
}
