/** The same as of one node, with every container on another node than the one that is asked. */
import { clientsSuite } from './clients/clients.suite.ts';

await clientsSuite({ name: 'crvcli3', subnet: '10.79.42', topology: 3 });
