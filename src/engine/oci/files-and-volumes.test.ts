import { filesContract } from '../files.test-suite.ts';
import { OciBench } from './oci-bench.test-suite.ts';

filesContract('oci', async () => new OciBench());
