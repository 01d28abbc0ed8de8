/** Docker's own clients, and libraries, against an instance of one node: what they expect, and what Docker's document says. */
import { clientsSuite } from './clients/clients.suite.ts';

await clientsSuite({ name: 'crvcli1', subnet: '10.79.41', topology: 1 });
