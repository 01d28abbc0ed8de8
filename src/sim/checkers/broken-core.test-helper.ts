import type { CommandId, Result, Turn } from '../../core/model/index.ts';
import { Node } from '../../core/node/node.ts';
import type { CoreNode, Kept, NodeConfig } from '../../core/node/port.ts';
import type { Fault } from '../faults/fault.ts';
import type { Outcome } from '../outcome.ts';
import { simulate } from '../simulate.ts';

/** What is otherwise about a core. */
type Breakage = (core: CoreNode) => Partial<CoreNode>;

/** A short run of four nodes with this core. */
export function withCore(
  createCore: (config: NodeConfig, kept: Kept) => CoreNode,
  durationMs = 5_000,
  faults: readonly Fault[] = [],
): Outcome {
  return simulate({ seed: 7, nodes: 4, durationMs, loss: 0, createCore, faults });
}

/** The same with one that is broken its way. */
export function broken(breakage: Breakage, durationMs?: number, faults?: readonly Fault[]): Outcome {
  return withCore(
    (config, kept) => {
      const core = new Node(config, kept);
      const overrides = breakage(core) as Record<string | symbol, unknown>;
      return new Proxy<CoreNode>(core, {
        get(target, key) {
          if (Object.hasOwn(overrides, key)) return overrides[key];
          const member: unknown = Reflect.get(target, key, target);
          return typeof member === 'function' ? (member.bind(target) as unknown) : member;
        },
      });
    },
    durationMs,
    faults,
  );
}

/** By name. */
export const brokenRules = (outcome: Outcome): ReadonlySet<string> => new Set(outcome.violations.map((violation) => violation.checker));

/** Its replies go out changed. */
export function mute(core: CoreNode, change: (result: Result) => Result): Partial<CoreNode> {
  const through = (turn: Turn): Turn => withTurn(turn, { reply: (id: CommandId, result: Result) => turn.reply(id, change(result)) });
  return {
    receive: (turn, from, message) => core.receive(through(turn), from, message),
    timer: (turn, timer) => core.timer(through(turn), timer),
    command: (turn, id, command) => core.command(through(turn), id, command),
    answer: (turn, id, answer) => core.answer(through(turn), id, answer),
  };
}

/** It drops events. */
export const silent = (turn: Turn): Turn => withTurn(turn, { emit: () => undefined });

/** A turn of which something is otherwise. */
export function withTurn(turn: Turn, change: Partial<Turn>): Turn {
  return {
    nowMs: turn.nowMs,
    wallMs: turn.wallMs,
    random: turn.random,
    send: (to, message) => turn.send(to, message),
    setTimer: (timer, afterMs) => turn.setTimer(timer, afterMs),
    perform: (order) => turn.perform(order),
    reply: (id, result) => turn.reply(id, result),
    emit: (event) => turn.emit(event),
    ...change,
  };
}
