import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgreementLab, QUICK } from '../../../test/lab/agreement-lab.ts';
import { storeContract } from '../contract.test-suite.ts';
import { Gateway } from './gateway.ts';

for (const members of [1, 3]) {
  storeContract(`etcd, ${members} member${members > 1 ? 's' : ''}`, async () => {
    const dir = mkdtempSync(join(tmpdir(), 'agree-'));
    const lab = await AgreementLab.create({ dir, nodes: members, tuning: QUICK });
    await lab.up(members);
    return {
      stores: lab.nodes.map(({ store }) => store),
      compact: async () => {
        const { version } = await lab.node(0).store.range('');
        const gateway = new Gateway(join(dir, 'r0', 'etcd.sock:1'));
        await gateway.post('/v3/kv/compaction', { revision: String(version.revision), physical: true }, 5_000);
        gateway.close();
      },
      close: () => lab.down(),
    };
  });
}
