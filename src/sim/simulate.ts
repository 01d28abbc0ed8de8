import { affinitiesHold } from './checkers/affinities-hold.ts';
import { allOrNothing } from './checkers/all-or-nothing.ts';
import { bounded } from './checkers/bounded.ts';
import type { Checker } from './checkers/checker.ts';
import { disagreements, membershipConverges } from './checkers/membership-converges.ts';
import { keepsChanges } from './checkers/keeps-changes.ts';
import { keepsItsWord } from './checkers/keeps-its-word.ts';
import { leakedHold } from './checkers/leaked-hold.ts';
import { lostContainer } from './checkers/lost-container.ts';
import { neverOversold } from './checkers/never-oversold.ts';
import { noRoomIsTrue } from './checkers/no-room-is-true.ts';
import { oneName, unsettledNames } from './checkers/one-name.ts';
import { oneOwner } from './checkers/one-owner.ts';
import { onePort } from './checkers/one-port.ts';
import { oneReply } from './checkers/one-reply.ts';
import { placedWhereAsked } from './checkers/placed-where-asked.ts';
import { plansChangeNothing } from './checkers/plans-change-nothing.ts';
import { settles, unsettled } from './checkers/settles.ts';
import { staysRemoved } from './checkers/stays-removed.ts';
import { taskStates } from './checkers/task-states.ts';
import { toldEverywhere, untold } from './checkers/told-everywhere.ts';
import type { Fault } from './faults/fault.ts';
import { FaultInjector } from './faults/inject.ts';
import { planFaults } from './faults/plan.ts';
import { Prng } from '../lib/prng.ts';
import type { CoreFactory } from './host/sim-node.ts';
import { drawConditions, quiet } from './network/conditions.ts';
import type { Conditions } from './network/conditions.ts';
import { Measures } from './measures.ts';
import type { Outcome } from './outcome.ts';
import { World } from './world.ts';
import { AgreedChanges } from './workload/agreed-changes.ts';
import { ChangeUsers } from './workload/changes.ts';
import { Fill } from './workload/fill.ts';
import { StackUsers } from './workload/stack.ts';
import { Workload } from './workload/workload.ts';

export interface SimulateOptions {
  readonly seed: number;
  readonly nodes: number;
  /** Virtual ms of load and faults; joining before and settling after come on top. */
  readonly durationMs: number;
  /** Share of datagrams lost on an ordinary day. */
  readonly loss: number;
  readonly createCore: CoreFactory;
  /** Instead of faults drawn from the seed. */
  readonly faults?: readonly Fault[] | undefined;
  readonly print?: ((line: string) => void) | undefined;
}

/** Nodes come up one after the other, all within `JOINED_MS` less some. */
const JOIN_EVERY_MS = 50;
/** Keeps the network's draws apart from the world's. */
const NETWORK_DRAW = 0x6e65_7477;
const AGREED_DRAW = 0x6167_7265;
const CHANGE_DRAW = 0x6368_616e;
/** All nodes have joined by then and heard of each other. */
export const JOINED_MS = 8_000;
/** Longest time that an instance may take to settle once faults have ended. */
const SETTLE_MS = 180_000;
/** Mean time between faults of one node. */
const FAULT_EVERY_MS = 12_000;
const ACTION_EVERY_MS = 150;
const STACK_EVERY_MS = 1_200;
const CHANGE_EVERY_MS = 300;
const AGREED_EVERY_MS = 2_000;
/** While the instance is being filled in calm. */
const CALM_STACKS_MS = 3_000;
const CONTAINERS_PER_NODE = 8;
const FILL_MS = 120_000;

/**
 * One run: nodes join; load and faults; faults end and the instance settles; then it is filled to
 * refusal in calm and settles again. Everything follows from the options.
 */
export function simulate(options: SimulateOptions): Outcome {
  const measures = new Measures();
  const conditions = drawConditions(new Prng(options.seed ^ NETWORK_DRAW), options.loss);
  const world = new World({
    seed: options.seed,
    nodes: options.nodes,
    conditions,
    createCore: options.createCore,
    checkers: [...allCheckers(), measures],
    print: options.print,
  });
  const workload = new Workload(world, world.fork());
  const injector = new FaultInjector(world.nodes, world.network, world.schedule, world.trace, (node) => {
    world.start(node);
    workload.askAtOnce(node);
  });
  let crash: Error | undefined;
  try {
    run(world, { workload, injector, conditions }, options);
  } catch (error) {
    crash = error instanceof Error ? error : new Error(String(error));
    world.trace.note(world.nowMs, -1, `CRASH ${crash.message}`);
  }
  return {
    seed: options.seed,
    nodes: options.nodes,
    again: `--seed ${options.seed} --nodes ${options.nodes} --duration ${options.durationMs / 1_000} --loss ${options.loss}`,
    virtualMs: world.nowMs,
    traceHash: world.trace.hash(),
    violations: world.violations,
    crash,
    faults: injector.counts,
    traffic: world.network.traffic,
    events: world.events,
    measures: measures.summary(),
  };
}

interface Parts {
  readonly workload: Workload;
  readonly injector: FaultInjector;
  readonly conditions: Conditions;
}

function run(world: World, { workload, injector, conditions }: Parts, options: SimulateOptions): void {
  const endMs = JOINED_MS + options.durationMs;
  workload.schedule({ fromMs: JOINED_MS / 2, untilMs: endMs, everyMs: ACTION_EVERY_MS, crowd: CONTAINERS_PER_NODE });
  const plan = { nodes: options.nodes, fromMs: JOINED_MS, untilMs: endMs, everyMs: FAULT_EVERY_MS / options.nodes };
  const drawn = planFaults(world.fork(), plan);
  const faults = options.faults ?? drawn;
  const late = new Set(faults.flatMap((fault) => (fault.kind === 'join' ? [fault.node] : [])));
  for (const node of world.nodes) if (!late.has(node.index)) world.schedule.at(node.index * JOIN_EVERY_MS, () => world.start(node));
  injector.plan(faults);
  const stacks = new StackUsers(world, world.fork());
  stacks.schedule(JOINED_MS / 2, endMs, STACK_EVERY_MS);
  new ChangeUsers(world, new Prng(options.seed ^ CHANGE_DRAW)).schedule(JOINED_MS / 2, endMs, CHANGE_EVERY_MS);
  new AgreedChanges(world, new Prng(options.seed ^ AGREED_DRAW)).schedule(JOINED_MS / 2, endMs, AGREED_EVERY_MS);
  world.schedule.runUntil(endMs);

  world.trace.note(world.nowMs, -1, 'faults end');
  injector.heal();
  world.network.settle(quiet(conditions));
  settle(world);

  world.calm = true;
  const fill = new Fill(world, world.fork(), 4);
  stacks.schedule(world.nowMs, world.nowMs + CALM_STACKS_MS, STACK_EVERY_MS);
  fill.begin(Math.min(4, options.nodes));
  const fillEndMs = world.nowMs + FILL_MS;
  while (!fill.done && world.nowMs < fillEndMs) world.schedule.runUntil(world.nowMs + 100);
  settle(world);
}

/** Gives the instance time until it has settled, or its time is over; then the checkers judge. */
function settle(world: World): void {
  const untilMs = world.nowMs + SETTLE_MS;
  const settled = (): boolean =>
    world.unanswered().length === 0 &&
    disagreements(world).length === 0 &&
    world.nodes.every((node) => unsettled(node).length === 0) &&
    unsettledNames(world).length === 0 &&
    untold(world).length === 0;
  do world.schedule.runUntil(world.nowMs + 1_000);
  while (!settled() && world.nowMs < untilMs);
  world.checkAtRest();
}

function allCheckers(): readonly Checker[] {
  return [
    neverOversold,
    oneReply,
    oneOwner(),
    oneName(),
    onePort(),
    lostContainer(),
    staysRemoved(),
    leakedHold(),
    keepsItsWord(),
    keepsChanges(),
    placedWhereAsked,
    taskStates(),
    bounded,
    noRoomIsTrue(),
    allOrNothing(),
    affinitiesHold(),
    plansChangeNothing(),
    membershipConverges,
    toldEverywhere,
    settles,
  ];
}
