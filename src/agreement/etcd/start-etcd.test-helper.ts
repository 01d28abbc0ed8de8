/** A process that starts what stands for etcd, says so, and stays: to be killed. Arguments: directory, the script that stands for etcd. */
import { join } from 'node:path';
import { nodeId } from '../../core/model/index.ts';
import { commandLine } from './command.ts';
import { EtcdProcess } from './etcd-process.ts';
import { memberFiles } from './files.ts';

const [dir, script] = process.argv.slice(2) as [string, string];
const files = memberFiles(dir, dir);
const launch = {
  node: nodeId('a'.repeat(32)),
  ip: '127.0.0.1',
  peerPort: 2380,
  clusterToken: 'test',
  initialCluster: 'test',
  isFirst: true,
  heartbeatMs: 100,
  electionMs: 1_000,
  quotaBytes: 1e8,
};
// As a file in a directory, so that no flag of etcd's is taken for the shell's.
const standIn = ['sh', '-c', script, join(dir, 'etcd')];
const started = new EtcdProcess(commandLine(standIn, files, launch), dir, files.process, () => {});
process.stdout.write('started\n');
await started.ended;
