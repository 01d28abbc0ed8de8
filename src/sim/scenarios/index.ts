import { bothHalvesMovedApart } from './both-halves-moved-apart.ts';
import { clockSetBackAfterAFullDisk } from './clock-set-back-after-a-full-disk.ts';
import { incarnationLostOnAFullDisk } from './incarnation-lost-on-a-full-disk.ts';
import type { Scenario } from './scenario.ts';

export const SCENARIOS: readonly Scenario[] = [incarnationLostOnAFullDisk, bothHalvesMovedApart, clockSetBackAfterAFullDisk];
