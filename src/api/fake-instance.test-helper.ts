import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeId } from '../core/model/index.ts';
import { onTestFinished } from 'vitest';
import { FakeAgreedNetworks } from './fake-networks.test-helper.ts';
import { FakeNode, type Surroundings } from './fake-node.test-helper.ts';

export type { FakeNode } from './fake-node.test-helper.ts';

/** Nodes in one process that know each other: real servers and real HTTP/2 between them, pretended containers. */
export class FakeInstance implements Surroundings {
  readonly nodes: FakeNode[] = [];
  crowd = 0;
  directoryIsWhole = true;
  readonly agreed = new FakeAgreedNetworks();
  readonly agreedVolumes = new Map<string, NodeId>();
  readonly directory = mkdtempSync(join(tmpdir(), 'caravela-api-'));

  /** Closes itself when the test that made it has ended. */
  static async of(...names: string[]): Promise<FakeInstance> {
    const instance = new FakeInstance();
    onTestFinished(() => instance.close());
    for (const name of names) instance.nodes.push(await FakeNode.create(instance, name, instance.nodes.length + 1));
    return instance;
  }

  node(name: string): FakeNode {
    const found = this.nodes.find((n) => n.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await node.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
