import { processContract } from '../process.test-suite.ts';
import { OciBench } from './oci-bench.test-suite.ts';

processContract('oci', async () => new OciBench());
