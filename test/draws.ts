/** Before every file of unit tests: what properties draw begins with the seed of all tests. */
import fc from 'fast-check';
import { testSeed } from './seed.ts';

// What fast-check takes has 32 bits.
fc.configureGlobal({ seed: testSeed() | 0 });
