import { attachContract } from '../attach.test-suite.ts';
import { engineContract } from '../contract.test-suite.ts';
import { OciBench } from './oci-bench.test-suite.ts';

engineContract('oci', async () => new OciBench());
attachContract('oci', async () => new OciBench());
